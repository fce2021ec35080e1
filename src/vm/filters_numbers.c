/* Filters that make or format numbers. */
#include "base/num.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"
#include <math.h>

static bool filter_abs(struct heap *h, val *args, val *ret)
{
    return filter_builtin(h, "abs", args, 1, ret);
}

/* A conversion that may fail by TypeError or ValueError alone; *ret unbound: it did. */
static bool convert(struct heap *h, const struct type_info *type, const val *args, uint32_t n,
                    val *ret)
{
    *ret = VAL_UNBOUND;
    if (val_is_undefined(args[0]))
        return undefined_raise(h, args[0]);
    if (val_call(h, val_type(type), args, n, ret))
        return true;
    if (h->fault.kind != FAULT_EXCEPTION ||
        (!type_is_subclass(h->fault.value.exc->type, &exc_TypeError) &&
         !type_is_subclass(h->fault.value.exc->type, &exc_ValueError)))
        return false;
    heap_clear_fault(h);
    *ret = VAL_UNBOUND;
    return true;
}

static bool filter_to_int(struct heap *h, val *args, val *ret)
{
    val given[2] = {args[0], args[2].kind == V_UNBOUND ? val_int(10) : args[2]}, number;
    if (!convert(h, &type_int, given, args[0].kind == V_STR ? 2 : 1, ret))
        return false;
    if (ret->kind != V_UNBOUND)
        return true;
    if (!convert(h, &type_float, args, 1, &number))
        return false;
    if (number.kind != V_UNBOUND && !convert(h, &type_int, &number, 1, ret))
        return false;
    if (ret->kind == V_UNBOUND)
        *ret = args[1].kind == V_UNBOUND ? val_int(0) : args[1];
    return true;
}

static bool filter_to_float(struct heap *h, val *args, val *ret)
{
    if (!convert(h, &type_float, args, 1, ret))
        return false;
    if (ret->kind == V_UNBOUND)
        *ret = args[1].kind == V_UNBOUND ? val_float(0) : args[1];
    return true;
}

static bool filter_round(struct heap *h, val *args, val *ret)
{
    str method = args[2].kind == V_STR ? text_str(args[2]) : STR("common");
    val precision = args[1].kind == V_UNBOUND ? val_int(0) : args[1], power, product, whole;
    bool ceiling = str_eq(method, STR("ceil"));
    if (val_is_undefined(args[0]))
        return undefined_raise(h, args[0]);
    if (str_eq(method, STR("common"))) {
        val given[2] = {args[0], precision};
        return filter_builtin(h, "round", given, 2, ret);
    }
    if (!ceiling && !str_eq(method, STR("floor")))
        return heap_raise(h, &exc_FilterArgumentError, "method must be common, ceil or floor");
    if (!op_binary(h, BINARY_POW, val_int(10), precision, &power) ||
        !op_binary(h, BINARY_MUL, args[0], power, &product))
        return false;
    if (product.kind == V_FLOAT) {
        double d = ceiling ? ceil(product.f) : floor(product.f);
        val f = val_float(d);
        if (!val_call(h, val_type(&type_int), &f, 1, &whole))
            return false;
    } else {
        whole = product;
    }
    return op_binary(h, BINARY_DIV, whole, power, ret);
}

static bool filter_file_size(struct heap *h, val *args, val *ret)
{
    static const char *const binary_units[] = {"KiB", "MiB", "GiB", "TiB",
                                               "PiB", "EiB", "ZiB", "YiB"};
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    auto_buf b = BUF(1 << 10);
    val number;
    bool binary;
    if (val_is_undefined(args[0]))
        return undefined_raise(h, args[0]);
    if (!val_call(h, val_type(&type_float), args, 1, &number) ||
        !filter_flag(h, args[1], false, &binary))
        return false;
    double base = binary ? 1024 : 1000, bytes = number.f, unit = base;
    if (bytes == 1)
        return text_new(h, STR("1 Byte"), ret);
    if (bytes < base)
        return text_printf(h, ret, "%lld Bytes", (long long)bytes);
    for (int i = 0; i < 8; i++) {
        unit *= base;
        if (bytes < unit || i == 7) {
            num_add_double_format(&b, base * bytes / unit, 1, 'f');
            return text_printf(h, ret, "%s %s", buf_c(&b), (binary ? binary_units : units)[i]);
        }
    }
    return true;
}

static bool filter_sum(struct heap *h, val *args, val *ret)
{
    val items, given[2] = {args[0], args[2].kind == V_UNBOUND ? val_int(0) : args[2]};
    if (args[1].kind > V_NONE) {
        if (!val_to_list(h, args[0], &items))
            return false;
        for (uint32_t i = 0; i < items.list->n; i++)
            if (!filter_attribute(h, items.list->at[i], args[1], VAL_UNBOUND, &items.list->at[i]))
                return false;
        given[0] = items;
    }
    return filter_builtin(h, "sum", given, 2, ret);
}

static const char *const int_names[] = {"default", "base"}, *const float_names[] = {"default"},
                         *const round_names[] = {"precision", "method"},
                         *const size_names[] = {"binary"},
                         *const sum_names[] = {"attribute", "start"};
const struct native_def filters_numbers[] = {
    {"abs", filter_abs, 0, 0, 0, 0, 0, NULL, "()", "The value without its sign."},
    {"filesizeformat", filter_file_size, 0, 1, 0, 0, 0, size_names, "(binary=False)",
     "A number of bytes for people: 1.3 MB."},
    {"float", filter_to_float, 0, 1, 0, 0, 0, float_names, "(default=0.0)", "As a float."},
    {"int", filter_to_int, 0, 2, 0, 0, 0, int_names, "(default=0, base=10)", "As an int."},
    {"round", filter_round, 0, 2, 0, 0, 0, round_names, "(precision=0, method='common')",
     "Rounded; method may be ceil or floor."},
    {"sum", filter_sum, 0, 2, 0, 0, 0, sum_names, "(attribute=None, start=0)",
     "The sum of numbers, or of an attribute of the items."},
    {0}};
