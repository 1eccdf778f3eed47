// Four codes of one side by four of the other, all in −127…127, added to int32 sums: what the product of
// weights (int8.c) and that of cached keys (key_dot.h) have in common. Exact.
#ifndef TINYRLHF_INT8_DOT_H
#define TINYRLHF_INT8_DOT_H
#include "isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

// maddubs multiplies unsigned by signed bytes: |x| and w with the sign of x. Two products of codes
// are at most 2·127·127 = 32,258 and do not saturate 16 bits.
TK_BEGIN_AVX2
typedef struct { __m256i value, magnitude; } int8_left_avx2;
TK_INLINE int8_left_avx2 int8_left_load_avx2(const int8_t *x) {
  int32_t four;
  __builtin_memcpy(&four, x, 4);
  __m256i value = _mm256_set1_epi32(four);
  return (int8_left_avx2){value, _mm256_abs_epi8(value)};
}
TK_INLINE __m256i int8_dot_avx2(__m256i sum, int8_left_avx2 x, __m256i w) {
  __m256i pairs = _mm256_maddubs_epi16(x.magnitude, _mm256_sign_epi8(w, x.value));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
TK_END

#elif defined(__aarch64__)
#include <arm_neon.h>

// Sixteen products, added in pairs to 16 bits (at most
// 32,258) and again in pairs to the sums.
TK_INLINE int8x16_t int8_left_load_plain(const int8_t *x) {
  return vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)x));
}
TK_INLINE int32x4_t int8_dot_plain(int32x4_t sum, int8x16_t x, int32x4_t weights) {
  int8x16_t w = vreinterpretq_s8_s32(weights);
  int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
  return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(x, w)));
}
#endif

#endif
