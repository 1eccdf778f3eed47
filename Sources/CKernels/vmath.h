// Operations on sixteen lanes: loads, stores, reductions, exp, log, tanh and the logistic function. They give the same
// bits on every instruction set.
//
// Largest errors against the exact value over a dense sweep, in units in the last place:
//   exp 0.99   log 0.81   logistic 2.35   tanh 1.47
#ifndef TINYRLHF_VMATH_H
#define TINYRLHF_VMATH_H
#include "isa.h"

TK_INLINE v16 v_all(float x) { return (v16){} + x; }
TK_INLINE v16 v_load(const float *p) { return *(const v16 *)p; }
TK_INLINE void v_store(float *p, v16 x) { *(v16 *)p = x; }

/// Loads the first n of 16 lanes; the others are `fill`.
TK_INLINE v16 v_load_first(const float *p, int64_t n, float fill) {
  v16 x = v_all(fill);
  for (int64_t i = 0; i < n; i++) x[i] = p[i];
  return x;
}
TK_INLINE void v_store_first(float *p, int64_t n, v16 x) {
  for (int64_t i = 0; i < n; i++) p[i] = x[i];
}
/// Loads 16 elements from element i on in a row of `count`; lanes after the end of the row are `fill`.
TK_INLINE v16 v_load_at(const float *p, int64_t i, int64_t count, float fill) {
  if (i + 16 <= count) return v_load(p + i);
  return v_load_first(p + i, count - i, fill);
}
TK_INLINE void v_store_at(float *p, int64_t i, int64_t count, v16 x) {
  if (i + 16 <= count) v_store(p + i, x);
  else v_store_first(p + i, count - i, x);
}

TK_INLINE v16 v_fma(v16 a, v16 b, v16 c) { return __builtin_elementwise_fma(a, b, c); }
TK_INLINE v16 v_select(i16 mask, v16 yes, v16 no) {
  return (v16)((mask & (i16)yes) | (~mask & (i16)no));
}
TK_INLINE v16 v_max(v16 a, v16 b) { return v_select(a > b, a, b); }

/// The sum by the fixed reduction tree: l[i] + l[i+8], then +4, +2, +1.
TK_INLINE float v_sum(v16 x) {
  typedef float v8 __attribute__((vector_size(32)));
  typedef float v4 __attribute__((vector_size(16)));
  v8 a = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
         __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  v4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
  return (b[0] + b[2]) + (b[1] + b[3]);
}
TK_INLINE float v_max_of(v16 x) {
  typedef float v8 __attribute__((vector_size(32)));
  typedef float v4 __attribute__((vector_size(16)));
  v8 a = __builtin_elementwise_max(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7),
                                   __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
  v4 b = __builtin_elementwise_max(__builtin_shufflevector(a, a, 0, 1, 2, 3),
                                   __builtin_shufflevector(a, a, 4, 5, 6, 7));
  float even = b[0] > b[2] ? b[0] : b[2], odd = b[1] > b[3] ? b[1] : b[3];
  return even > odd ? even : odd;
}

/// exp(x) = 2ⁿ·exp(r) with |r| ≤ ln 2 / 2; exp(r) is a polynomial of degree 6 with the least maximum error. Results
/// below 2⁻¹²⁶ are 0, so that there are no subnormal numbers; exp(−∞) = 0, exp(+∞) = +∞, NaN stays NaN.
TK_INLINE v16 v_exp(v16 x) {
  const float shift = 0x1.8p23f;  // adding it rounds to an integer, held in the low bits
  v16 shifted = v_fma(x, v_all(0x1.715476p+0f), v_all(shift));
  v16 n = shifted - shift;
  v16 r = v_fma(n, v_all(-0x1.62e4p-1f), x);           // ln 2 in two parts, the first with few bits
  r = v_fma(n, v_all(-0x1.7f7d1cp-20f), r);
  v16 p = v_all(0x1.6a1a6ep-10f);
  p = v_fma(p, r, v_all(0x1.123fc6p-7f));
  p = v_fma(p, r, v_all(0x1.555916p-5f));
  p = v_fma(p, r, v_all(0x1.55548ap-3f));
  p = v_fma(p, r, v_all(0x1.fffffcp-2f));
  p = v_fma(p, r * r, r) + 1.0f;
  p = (v16)((i16)p + ((i16)shifted << 23));                    // times 2ⁿ
  p = v_select(x < -87.3365447f, v_all(0), p);
  return v_select(x > 88.7228317f, v_all(__builtin_inff()), p);
}

/// log(x) for positive normal x: x = 2ⁿ·(1 + f), f in [√½ − 1, √2 − 1);
/// log(1 + f) = f − f²/2 + f³·P(f). log(1) = 0 exactly.
TK_INLINE v16 v_log(v16 x) {
  i16 bits = (i16)x;
  i16 exponent = (bits - 0x3f3504f3) >> 23;
  v16 n = __builtin_convertvector(exponent, v16);
  v16 f = (v16)(bits - (exponent << 23)) - 1.0f;
  v16 p = v_all(0.06746601313352585f);
  p = v_fma(p, f, v_all(-0.11675640940666199f));
  p = v_fma(p, f, v_all(0.11888174712657928f));
  p = v_fma(p, f, v_all(-0.12405591458082199f));
  p = v_fma(p, f, v_all(0.14219550788402557f));
  p = v_fma(p, f, v_all(-0.1666799634695053f));
  p = v_fma(p, f, v_all(0.2000211924314499f));
  p = v_fma(p, f, v_all(-0.25000008940696716f));
  p = v_fma(p, f, v_all(0.3333331346511841f));
  v16 square = f * f;
  // ln 2 = 0x1.62e43p-1 − 0x1.05c61p-29
  v16 low = v_fma(square * f, p, n * -0x1.05c61p-29f);
  low = v_fma(square, v_all(-0.5f), low);
  return v_fma(n, v_all(0x1.62e43p-1f), f + low);
}

/// σ(x) = 1 / (1 + exp(−x)).
TK_INLINE v16 v_logistic(v16 x) { return 1.0f / (1.0f + v_exp(-x)); }

/// Returns σ(x), and writes its derivative σ(x)·(1 − σ(x)) to *slope without cancellation: with e = exp(−|x|), it is
/// e / (1 + e)².
TK_INLINE v16 v_logistic_slope(v16 x, v16 *slope) {
  v16 e = v_exp((v16)((i16)x | INT32_MIN));
  v16 high = 1.0f / (1.0f + e), low = e * high;
  *slope = low * high;
  return v_select(x < 0.0f, low, high);
}

/// tanh(x) = x + x³·P(x²) for |x| < 0.55, where P is a polynomial of degree 4 with the least maximum error, else
/// ±(1 − 2/(1 + exp(2|x|))). It is odd; tanh(±∞) = ±1, NaN stays NaN.
TK_INLINE v16 v_tanh(v16 x) {
  const v16 a = (v16)((i16)x & INT32_MAX), square = a * a;
  v16 p = v_all(-0x1.9b303ep-8f);
  p = v_fma(p, square, v_all(0x1.593d06p-6f));
  p = v_fma(p, square, v_all(-0x1.b9287ap-5f));
  p = v_fma(p, square, v_all(0x1.110d26p-3f));
  p = v_fma(p, square, v_all(-0x1.55554ap-2f));
  v16 low = v_fma(square * a, p, a), high = 1.0f - 2.0f / (1.0f + v_exp(a + a));
  return (v16)((i16)v_select(a < 0.55f, low, high) | ((i16)x & INT32_MIN));
}

TK_INLINE float exp1(float x) { return v_exp(v_all(x))[0]; }
TK_INLINE float log1(float x) { return v_log(v_all(x))[0]; }

#endif
