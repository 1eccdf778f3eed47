// Elementary functions in float64 from additions, multiplications and divisions only, so that every
// machine gets the same bits. Relative error below 1e-15 (sine and cosine: absolute, |x| ≤ 2²⁰).
#include "CKernels.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Rounds to the nearest integer for |x| < 2⁵¹: the sum has no bits left for a fraction.
static double nearest(double x) {
  const double shift = 0x1.8p52;
  volatile double sum = x + shift;  // volatile: the compiler may not cancel the two
  return sum - shift;
}

double tk_exp64(double x) {
  if (x != x) return x;
  if (x < -708) return 0;
  if (x > 709) return __builtin_inf();
  const double n = nearest(x * 0x1.71547652b82fep+0);
  const double r = x - n * 0x1.62e42fee00000p-1 - n * 0x1.a39ef35793c76p-33;
  double sum = 1;                       // Taylor to r¹³/13!, |r| ≤ 0.35, innermost term first
  for (int k = 13; k >= 1; k--) sum = 1 + sum * r / k;
  const uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
  double power;
  memcpy(&power, &bits, 8);
  return sum * power;
}

double tk_log64(double x) {
  if (!(x > 0)) return x == 0 ? -__builtin_inf() : __builtin_nan("");
  if (x > 0x1.fffffffffffffp1023) return x;
  uint64_t bits;
  memcpy(&bits, &x, 8);
  const int64_t n = (int64_t)(bits - 0x3fe6a09e667f3bcd) >> 52;  // x = 2ⁿ·m, m in [√½, √2)
  bits -= (uint64_t)n << 52;
  double m;
  memcpy(&m, &bits, 8);
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;                       // log m = 2·(s + s³/3 + s⁵/5 + …), |s| ≤ 0.172
  for (int k = 23; k >= 3; k -= 2) sum = (sum + 1.0 / k) * square;
  const double f = 2 * s * sum + (double)n * 0x1.a39ef35793c76p-33;
  return (double)n * 0x1.62e42fee00000p-1 + (2 * s + f);
}

// x = quarter·π/2 + r, |r| ≤ π/4; π/2 in three parts of which the first two are short.
static double reduce(double x, int64_t *quarter) {
  const double n = nearest(x * 0x1.45f306dc9c883p-1);
  *quarter = (int64_t)n;
  return x - n * 0x1.921fb54400000p+0 - n * 0x1.0b4611a600000p-34 - n * 0x1.3198a2e037073p-69;
}

static double quarter_sine(double r) {  // Taylor to r¹⁷
  double sum = 1;
  for (int k = 16; k >= 2; k -= 2) sum = 1 - sum * r * r / (k * (k + 1));
  return sum * r;
}

static double quarter_cosine(double r) {  // Taylor to r¹⁸
  double sum = 1;
  for (int k = 18; k >= 2; k -= 2) sum = 1 - sum * r * r / (k * (k - 1));
  return sum;
}

double tk_sin64(double x) {
  int64_t quarter;
  const double r = reduce(x, &quarter);
  const double y = quarter & 1 ? quarter_cosine(r) : quarter_sine(r);
  return quarter & 2 ? -y : y;
}

double tk_cos64(double x) {
  int64_t quarter;
  const double r = reduce(x, &quarter);
  const double y = quarter & 1 ? quarter_sine(r) : quarter_cosine(r);
  return (quarter + 1) & 2 ? -y : y;
}
