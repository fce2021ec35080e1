/* operators: the names of the operators, shared by the syntax tree, the machine and the values. */
#ifndef VALUE_OPERATORS_H
#define VALUE_OPERATORS_H

enum unary_op { UNARY_NOT, UNARY_NEG, UNARY_POS, UNARY_INVERT };

enum binary_op {
    BINARY_ADD,
    BINARY_SUB,
    BINARY_MUL,
    BINARY_DIV,
    BINARY_FLOORDIV,
    BINARY_MOD,
    BINARY_POW,
    BINARY_LSHIFT,
    BINARY_RSHIFT,
    BINARY_AND,
    BINARY_OR,
    BINARY_XOR,
    BINARY_MATMUL,
};

enum compare_op {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE,
    COMPARE_IS,
    COMPARE_IS_NOT,
    COMPARE_IN,
    COMPARE_NOT_IN,
};

#endif
