// Quantises a row to int8 codes: of weights, of activations, or of the keys and values of a cache.
//
// A row's scale is max|w|/127, and a code is w·(1/scale) rounded half to even. These are IEEE operations and one
// exact rounding, so every instruction set gives the same bits. Scale and reciprocal are each within half
// a unit in the last place, so |w·(1/scale)| < 127.5 and every code is in −127…127. There are two exceptions.
// If the scale would be zero or subnormal, the scale is 1 and the codes are 0. If an element is infinite or NaN,
// the scale is NaN and the codes are 0, so that the product is NaN instead of wrong. Padding codes are 0.
#ifndef TINYRLHF_INT8_ROW_H
#define TINYRLHF_INT8_ROW_H
#include "vmath.h"

typedef int8_t c16 __attribute__((vector_size(16), aligned(1)));

/// Stores the first ⌈count/4⌉ groups of 4 codes, `stride` bytes from group to group. The first `count` of the 16 codes
/// belong to the row; the others are zero.
TK_INLINE void store_codes(int8_t *to, int64_t stride, int64_t count, const c16 *codes) {
  if (stride == 4 && count >= 16) {
    *(c16 *)to = *codes;
    return;
  }
  for (int64_t i = 0; i < 16 && i < count; i += 4)
    __builtin_memcpy(to + i / 4 * stride, (const int8_t *)codes + i, 4);
}

/// max|x| / 127, or 1 or NaN in the exceptions above. Without the sign bit, the bits of floats have the same order as
/// the floats, with infinity and then NaNs at the top.
TK_INLINE float row_scale(const float *x, int64_t count) {
  i16 most = {0};
  for (int64_t k = 0; k < count; k += 16) {
    i16 bits = (i16)v_load_at(x, k, count, 0) & 0x7fffffff;
    most = __builtin_elementwise_max(most, bits);
  }
  int32_t bits = __builtin_reduce_max(most);
  if (bits >= 0x7f800000) return __builtin_nanf("");
  float max;
  __builtin_memcpy(&max, &bits, sizeof max);
  float scale = max / 127;
  return scale < 0x1p-126f ? 1 : scale;
}

/// Writes the codes of one row in groups of 4, `stride` bytes apart; returns their sum.
/// Floats in [2²³, 2²⁴) are integers. So adding 1.5·2²³ rounds half to even, and the integer is in the low bits.
TK_INLINE int32_t row_codes(const float *x, int64_t count, float scale, int8_t *to,
                            int64_t stride) {
  const float whole = 0x1.8p23f, inverse = 1 / scale;
  int defined = scale == scale;
  i16 sum = {0};
  for (int64_t k = 0; k < count; k += 16) {
    v16 rounded = v_load_at(x, k, count, 0) * inverse + whole;
    i16 codes = (i16)rounded - 0x4b400000;
    if (!defined) codes = (i16){0};
    sum += codes;
    c16 bytes = __builtin_convertvector(codes, c16);
    store_codes(to + k / 4 * stride, stride, count - k, &bytes);
  }
  return __builtin_reduce_add(sum);
}

#endif
