/* types: the built-in types and exception classes; static, immutable, one row each in types.c. */
#ifndef VALUE_TYPES_H
#define VALUE_TYPES_H
#include "value/val.h"

extern const struct type_info type_none, type_bool, type_int, type_float, type_ellipsis, type_str,
    type_tuple, type_list, type_dict, type_set, type_frozenset, type_range, type_slice,
    type_function, type_native, type_method, type_generator, type_iterator, type_type, type_object,
    type_dict_keys, type_dict_values, type_dict_items, type_map, type_filter, type_zip,
    type_enumerate, type_reversed;

/* X(name, base): CPython's built-in exception classes that programs may name, and StepFailed. */
#define VALUE_EXCEPTIONS(X)                \
    X(Exception, BaseException)            \
    X(ArithmeticError, Exception)          \
    X(OverflowError, ArithmeticError)      \
    X(ZeroDivisionError, ArithmeticError)  \
    X(FloatingPointError, ArithmeticError) \
    X(AssertionError, Exception)           \
    X(AttributeError, Exception)           \
    X(ImportError, Exception)              \
    X(ModuleNotFoundError, ImportError)    \
    X(LookupError, Exception)              \
    X(IndexError, LookupError)             \
    X(KeyError, LookupError)               \
    X(NameError, Exception)                \
    X(UnboundLocalError, NameError)        \
    X(OSError, Exception)                  \
    X(RuntimeError, Exception)             \
    X(NotImplementedError, RuntimeError)   \
    X(RecursionError, RuntimeError)        \
    X(StopIteration, Exception)            \
    X(SyntaxError, Exception)              \
    X(TimeoutError, OSError)               \
    X(PermissionError, OSError)            \
    X(FileNotFoundError, OSError)          \
    X(TypeError, Exception)                \
    X(ValueError, Exception)               \
    X(UnicodeError, ValueError)            \
    X(JSONDecodeError, ValueError)         \
    X(EOFError, Exception)                 \
    X(Warning, Exception)                  \
    X(UserWarning, Warning)                \
    X(DeprecationWarning, Warning)         \
    X(RuntimeWarning, Warning)             \
    X(StepFailed, Exception)

extern const struct type_info exc_BaseException;
#define X(name, base) extern const struct type_info exc_##name;
VALUE_EXCEPTIONS(X)
#undef X

/* Every exception class, for binding names; NULL-terminated. */
extern const struct type_info *const value_exceptions[];

#endif
