/* Decimals at compile time: the values of literals and of constant arithmetic on them. Pure functions; a
 * decimal of scale S is an int64_t that counts units of 10^-S, as in generated programs.
 */
#ifndef FLOWCC_FRONT_DECIMAL_H
#define FLOWCC_FRONT_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest scale: 10^18 is the largest power of ten of 64 bits. */
#define DECIMAL_SCALE 18

/* 10^scale. */
int64_t decimal_one(uint32_t scale);

/* Digits behind the point of a number as it is written, such as -1_000.50; -1: it has another form, such
 * as 1e3. */
int decimal_digits(const char *text, size_t length);

enum decimal_fit {
  DECIMAL_FITS,
  DECIMAL_TOO_FINE, /* it has digits behind the scale that are not zero */
  DECIMAL_TOO_LARGE,
};

/* The value of such a number in this scale. */
enum decimal_fit decimal_read(const char *text, size_t length, uint32_t scale, int64_t *value);

/* a / b in the scale of a, rounded to the nearest, and to even between two; b is not 0, and `one` is 1
 * in the scale of b. False: it does not fit. */
bool decimal_divide(int64_t a, int64_t b, int64_t one, int64_t *value);

#endif
