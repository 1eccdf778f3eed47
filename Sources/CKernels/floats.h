// Reads weights that are stored as float32, bfloat16 or float16, as float32.
#ifndef TINYRLHF_FLOATS_H
#define TINYRLHF_FLOATS_H
#include "isa.h"

TK_INLINE int64_t float_bytes(tk_float type) { return type == TK_FLOAT32 ? 4 : 2; }

/// The place of element i.
TK_INLINE const void *float_at(tk_float type, const void *from, int64_t i) {
  return (const char *)from + i * float_bytes(type);
}

/// Defines widenN(type, from, to): reads N elements, which need not be aligned.
///
/// A bfloat16 is the upper half of a float32. The fields of a float16, moved to their places in a float32, give a
/// number whose exponent is 112 too small; the product with 2¹¹² is exact, also for subnormal numbers. An exponent
/// of all ones (infinity, NaN) must stay all ones.
#define WIDEN(lanes)                                                                                         \
  TK_INLINE void widen##lanes(const tk_float type, const void *from, float *to) {                            \
    typedef float line __attribute__((vector_size(4 * lanes), aligned(4)));                                  \
    typedef uint32_t words __attribute__((vector_size(4 * lanes)));                                          \
    typedef uint16_t halves __attribute__((vector_size(2 * lanes), aligned(2)));                             \
    if (type == TK_FLOAT32) {                                                                                \
      *(line *)to = *(const line *)from;                                                                     \
      return;                                                                                                \
    }                                                                                                        \
    const words bits = __builtin_convertvector(*(const halves *)from, words);                                \
    if (type == TK_BFLOAT16) {                                                                               \
      *(line *)to = (line)(bits << 16);                                                                      \
      return;                                                                                                \
    }                                                                                                        \
    const words magnitude = (words)((line)((bits & 0x7fff) << 13) * 0x1p112f);                               \
    const words special = (words)((bits & 0x7c00) == 0x7c00) & 0x7f800000;                                   \
    *(line *)to = (line)(magnitude | special | (bits & 0x8000) << 16);                                       \
  }
WIDEN(4)
WIDEN(8)
WIDEN(16)
#undef WIDEN

/// Element i.
TK_INLINE float load_float(tk_float type, const void *from, int64_t i) {
  if (type == TK_FLOAT32) return ((const float *)from)[i];
  uint16_t half[4] = {((const uint16_t *)from)[i]};
  float wide[4];
  if (type == TK_BFLOAT16) widen4(TK_BFLOAT16, half, wide);
  else widen4(TK_FLOAT16, half, wide);
  return wide[0];
}

/// 16 elements from element i on in a row of `count`; lanes after the end of the row are 0.
TK_INLINE v16 load_floats(const tk_float type, const void *from, int64_t i, int64_t count) {
  v16 wide;
  if (i + 16 <= count) {
    widen16(type, float_at(type, from, i), (float *)&wide);
    return wide;
  }
  float some[16] = {0};
  __builtin_memcpy(some, float_at(type, from, i), (size_t)((count - i) * float_bytes(type)));
  widen16(type, some, (float *)&wide);
  return wide;
}

#endif
