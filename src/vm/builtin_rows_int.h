/* builtin_rows: the functions behind the rows of builtins.c; arguments stand in args as the rows
 * say. By home: builtin_numbers.c, builtin_sequences.c, builtin_objects.c. */
#ifndef VM_BUILTIN_ROWS_INT_H
#define VM_BUILTIN_ROWS_INT_H
#include "value/heap.h"

#define BUILTIN(name) bool builtin_##name(struct heap *h, val *args, val *ret)

/* numbers */
BUILTIN(abs);
BUILTIN(bin);
BUILTIN(divmod);
BUILTIN(hex);
BUILTIN(oct);
BUILTIN(pow);
BUILTIN(round);

/* sequences */
BUILTIN(all);
BUILTIN(any);
BUILTIN(iter);
BUILTIN(len);
BUILTIN(max);
BUILTIN(min);
BUILTIN(next);
BUILTIN(sorted);
BUILTIN(sum);

/* objects and text */
BUILTIN(callable);
BUILTIN(chr);
BUILTIN(format);
BUILTIN(getattr);
BUILTIN(hasattr);
BUILTIN(isinstance);
BUILTIN(ord);
BUILTIN(print);
BUILTIN(repr);

#endif
