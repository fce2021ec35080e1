/* calc: whole-number arithmetic that never wraps around. */
#ifndef CALC_H
#define CALC_H
#include <stdbool.h>

/* Sets *sum to a + b and returns true; returns false and leaves *sum alone where the sum does not
 * fit. */
bool calc_add(long a, long b, long *sum);

/* The same for a * b. */
bool calc_mul(long a, long b, long *product);
#endif
