// A row and its int8 codes: of weights, of activations, and of the keys and values of a cache.
//
// A row's scale is max|w|/127, and a code is w·(1/scale) rounded half to even: IEEE operations and one
// exact rounding, the same bits on every instruction set. Since scale and reciprocal are each within half
// a unit in the last place, |w·(1/scale)| < 127.5: no code leaves −127…127. Two kinds of
// rows have no such scale: where it would be zero or subnormal it is 1 and the codes are 0, and
// where an element is infinite or not a number it is NaN and the codes are 0, so that the product
// is NaN instead of wrong. Padding codes are 0.
#ifndef TINYRLHF_INT8_ROW_H
#define TINYRLHF_INT8_ROW_H
#include "vmath.h"

typedef int8_t c16 __attribute__((vector_size(16), aligned(1)));

/// Stores 16 consecutive codes of a row, of which the first `count` are its own and the rest zero:
/// the first ⌈count/4⌉ groups of 4, `stride` bytes from group to group.
TK_INLINE void store_codes(int8_t *to, int64_t stride, int64_t count, const c16 *codes) {
  if (stride == 4 && count >= 16) {
    *(c16 *)to = *codes;
    return;
  }
  for (int64_t i = 0; i < 16 && i < count; i += 4)
    __builtin_memcpy(to + i / 4 * stride, (const int8_t *)codes + i, 4);
}

/// max|x| / 127, or what stands for it. The bits of floats without their sign order as the floats
/// do, with infinity and then every NaN on top.
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

/// The codes of one row in groups of 4, `stride` bytes apart; returns their sum.
/// In [2²³, 2²⁴) floats are whole: adding 1.5·2²³ rounds to one, half to even, and leaves it in the
/// low bits.
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
