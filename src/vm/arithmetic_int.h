/* arithmetic: the short ways of operators on ints and floats, as pieces of the machine's loop. The
 * macros are instructions' bodies: they use the loop's registers and its ways out. */
#ifndef VM_ARITHMETIC_INT_H
#define VM_ARITHMETIC_INT_H
#include "vm/machine_int.h"

static inline bool float_operands(const val *b, const val *c, double *x, double *y)
{
    if (b->kind == V_FLOAT)
        *x = b->f;
    else if (b->kind == V_INT)
        *x = (double)b->i;
    else
        return false;
    if (c->kind == V_FLOAT)
        *y = c->f;
    else if (c->kind == V_INT)
        *y = (double)c->i;
    else
        return false;
    return true;
}

/* Division of half words is several times faster than that of words. */
static inline bool both_half(int64_t a, int64_t b)
{
    return ((uint64_t)a | (uint64_t)b) >> 32 == 0;
}

static inline int64_t floor_mod(int64_t a, int64_t b)
{
    if (both_half(a, b))
        return (uint32_t)a % (uint32_t)b;
    int64_t r = a % b;
    return r && (r ^ b) < 0 ? r + b : r;
}

static inline int64_t floor_div(int64_t a, int64_t b)
{
    if (both_half(a, b))
        return (uint32_t)a / (uint32_t)b;
    int64_t q = a / b;
    return a % b && (a ^ b) < 0 ? q - 1 : q;
}

/* ---- instructions ---- */

#define ARITHMETIC(NAME, OP, RIGHT, INT_CASE, FLOAT_CASE)   \
    op_##NAME:                                              \
    {                                                       \
        const val *b = &R_B, *c = &(RIGHT);                 \
        double x, y;                                        \
        if (likely(b->kind == V_INT && c->kind == V_INT)) { \
            int64_t i;                                      \
            INT_CASE                                        \
        } else if (float_operands(b, c, &x, &y)) {          \
            FLOAT_CASE                                      \
        }                                                   \
        SLOW(binary(h, pc, OP, *b, *c, &out));              \
        NEXT(1);                                            \
    }
#define INT_RESULT(checked) \
    if (likely(checked)) {  \
        R_A = val_int(i);   \
        NEXT(1);            \
    }
#define FLOAT_RESULT(value)     \
    {                           \
        R_A = val_float(value); \
        NEXT(1);                \
    }
#define ADD_INT INT_RESULT(!__builtin_add_overflow(b->i, c->i, &i))
#define SUB_INT INT_RESULT(!__builtin_sub_overflow(b->i, c->i, &i))
#define MUL_INT INT_RESULT(!__builtin_mul_overflow(b->i, c->i, &i))
#define DIV_INT                                                                          \
    i = c->i;                                                                            \
    if (likely(i != 0 && b->i < (1LL << 53) && b->i > -(1LL << 53) && i < (1LL << 53) && \
               i > -(1LL << 53)))                                                        \
    FLOAT_RESULT((double)b->i / (double)i)
#define FLOORDIV_INT INT_RESULT(c->i > 0 && (i = floor_div(b->i, c->i), true))
#define MOD_INT INT_RESULT(c->i > 0 && (i = floor_mod(b->i, c->i), true))
#define DIV_FLOAT       \
    if (likely(y != 0)) \
    FLOAT_RESULT(x / y)
#define NO_FAST (void)x, (void)y;

#define JUMP_COMPARE(NAME, OPERATOR, OP)                                   \
    op_JUMP_##NAME:                                                        \
    {                                                                      \
        const val *a = &R_A, *b = &R_B;                                    \
        if (likely(a->kind == V_INT && b->kind == V_INT)) {                \
            truth = a->i OPERATOR b->i;                                    \
        } else if (a->kind == V_FLOAT && b->kind == V_FLOAT) {             \
            truth = a->f OPERATOR b->f;                                    \
        } else {                                                           \
            SAVE();                                                        \
            if (!compare_truth(h, OP, *a, *b, &truth))                     \
                goto fault;                                                \
            RELOAD();                                                      \
        }                                                                  \
        if (truth == pc->flag)                                             \
            JUMP_FROM(pc + 1);                                             \
        NEXT(2);                                                           \
    }                                                                      \
    op_JUMP_##NAME##_I:                                                    \
    {                                                                      \
        val a = R_A;                                                       \
        if (likely(a.kind == V_INT)) {                                     \
            truth = a.i OPERATOR(int16_t) pc->b;                           \
        } else {                                                           \
            SAVE();                                                        \
            if (!compare_truth(h, OP, a, val_int((int16_t)pc->b), &truth)) \
                goto fault;                                                \
            RELOAD();                                                      \
        }                                                                  \
        if (truth == pc->flag)                                             \
            JUMP_FROM(pc + 1);                                             \
        NEXT(2);                                                           \
    }

#endif
