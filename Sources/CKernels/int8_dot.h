// Dot products of four codes with four codes, all in −127…127, added to int32 sums. The product with weights (int8.c)
// and the product with cached keys (key_dot.h) use them. They are exact.
//
// An i16 is sixteen sums; w is sixteen groups of four adjacent codes. Each instruction set has two leaf functions (see
// isa.h): one copies the four codes of the left side to every lane, one multiplies.
#ifndef TINYRLHF_INT8_DOT_H
#define TINYRLHF_INT8_DOT_H
#include "isa.h"

/// Four codes in the form that the dot product of a set needs; only the width of its registers is used.
typedef struct { i16 codes, magnitude; } int8_left;

/// The scalar reference.
TK_INLINE void int8_left_scalar(int8_left *left, const int8_t *x) {
  __builtin_memcpy(&left->codes, x, 4);
}
TK_INLINE void int8_dot_scalar(i16 *sums, const int8_left *left, const int8_t *w) {
  const int8_t *x = (const int8_t *)&left->codes;
  for (int j = 0; j < 16; j++)
    for (int i = 0; i < 4; i++) (*sums)[j] += w[4 * j + i] * x[i];
}

#if defined(__x86_64__)
#include <immintrin.h>

TK_TARGET_AVX2 static inline void int8_left_avx2(int8_left *left, const int8_t *x) {
  int32_t four;
  __builtin_memcpy(&four, x, 4);
  const __m256i codes = _mm256_set1_epi32(four), magnitude = _mm256_abs_epi8(codes);
  __builtin_memcpy(&left->codes, &codes, 32);
  __builtin_memcpy(&left->magnitude, &magnitude, 32);
}
/// maddubs multiplies unsigned by signed bytes: |x| by w with the sign of x. The sum of two products is at most
/// 2·127·127 = 32,258 and does not saturate 16 bits.
TK_TARGET_AVX2 static inline void int8_dot_avx2(i16 *sums, const int8_left *left, const int8_t *w) {
  __m256i sum[2], right[2], codes, magnitude;
  __builtin_memcpy(sum, sums, 64);
  __builtin_memcpy(right, w, 64);
  __builtin_memcpy(&codes, &left->codes, 32);
  __builtin_memcpy(&magnitude, &left->magnitude, 32);
  for (int i = 0; i < 2; i++) {
    const __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(right[i], codes));
    sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  __builtin_memcpy(sums, sum, 64);
}

/// Copies x + 128, which is unsigned, to every lane.
TK_TARGET_AVX512 static inline void int8_left_avx512(int8_left *left, const int8_t *x) {
  int32_t four;
  __builtin_memcpy(&four, x, 4);
  __m512i offset = _mm512_set1_epi8(-128);
  // Hides from the compiler that all lanes are equal. Otherwise it changes the four bytes before it copies them to all
  // lanes, which takes three instructions instead of one with a memory operand.
  __asm__("" : "+v"(offset));
  left->codes = (i16)_mm512_xor_si512(_mm512_set1_epi32(four), offset);
}
/// dpbusd multiplies unsigned by signed bytes: x + 128 and w.
TK_TARGET_AVX512 static inline void int8_dot_avx512(i16 *sums, const int8_left *left, const int8_t *w) {
  *sums = (i16)_mm512_dpbusd_epi32((__m512i)*sums, (__m512i)left->codes, _mm512_loadu_si512(w));
}

#elif defined(__aarch64__)
#include <arm_neon.h>

TK_INLINE void int8_left_neon(int8_left *left, const int8_t *x) {
  const int32x4_t codes = vld1q_dup_s32((const int32_t *)x);
  __builtin_memcpy(&left->codes, &codes, 16);
}
/// Sixteen products, added in pairs to 16 bits (at most 32,258) and again in pairs to the sums.
TK_INLINE int32x4_t int8_dot4_neon(int32x4_t sum, int8x16_t x, int8x16_t w) {
  const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w));
  return vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(x, w)));
}
TK_INLINE void int8_dot_neon(i16 *sums, const int8_left *left, const int8_t *w) {
  int32x4_t sum[4];
  int8x16_t right[4], codes;
  __builtin_memcpy(sum, sums, 64);
  __builtin_memcpy(right, w, 64);
  __builtin_memcpy(&codes, &left->codes, 16);
  for (int i = 0; i < 4; i++) sum[i] = int8_dot4_neon(sum[i], codes, right[i]);
  __builtin_memcpy(sums, sum, 64);
}
/// The same in one instruction.
TK_TARGET_NEON_DOT static inline void int8_dot_dot(i16 *sums, const int8_left *left,
                                                           const int8_t *w) {
  int32x4_t sum[4];
  int8x16_t right[4], codes;
  __builtin_memcpy(sum, sums, 64);
  __builtin_memcpy(right, w, 64);
  __builtin_memcpy(&codes, &left->codes, 16);
  for (int i = 0; i < 4; i++) sum[i] = vdotq_s32(sum[i], codes, right[i]);
  __builtin_memcpy(sums, sum, 64);
}
#endif

/// The number that int8_dot adds to each of the four codes on the left. Its sums are too large by this number times Σw.
TK_INLINE int int8_offset(const tk_isa isa) { return isa == TK_AVX512 ? 128 : 0; }

TK_INLINE void int8_left_load(const tk_isa isa, int8_left *left, const int8_t *x) {
#if defined(__aarch64__)
  if (isa == TK_NEON_DOT) return int8_left_neon(left, x);
#endif
  TK_DISPATCH(isa, int8_left, (left, x))
}
TK_INLINE void int8_dot(const tk_isa isa, i16 *sums, const int8_left *left, const int8_t *w) {
#if defined(__aarch64__)
  if (isa == TK_NEON_DOT) return int8_dot_dot(sums, left, w);
#endif
  TK_DISPATCH(isa, int8_dot, (sums, left, w))
}

#endif
