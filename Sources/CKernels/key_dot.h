// sum(j) += Σ_i key(j, i)·query(i): sixteen keys, four codes of each beside each other, and four codes
// of a query, all in −127…127. Exact, whatever the instruction set; each one's sums begin at
// −key_offset·Σ query, for what it must add to a key.
#ifndef TINYRLHF_KEY_DOT_H
#define TINYRLHF_KEY_DOT_H
#include "int8_dot.h"

#pragma clang diagnostic ignored "-Wpsabi"

enum { key_offset_scalar = 0, key_offset_avx2 = 0, key_offset_avx512 = 128, key_offset_neon = 0 };

TK_INLINE i16 key_dot_scalar(i16 sum, const int8_t *keys, const int8_t *query) {
  for (int j = 0; j < 16; j++)
    for (int i = 0; i < 4; i++) sum[j] += keys[4 * j + i] * query[i];
  return sum;
}

#if defined(__x86_64__)
TK_BEGIN_AVX2
TK_INLINE i16 key_dot_avx2(i16 sum, const int8_t *keys, const int8_t *query) {
  const int8_left_avx2 left = int8_left_load_avx2(query);
  __m256i sums[2], key[2];
  __builtin_memcpy(sums, &sum, 64);
  __builtin_memcpy(key, keys, 64);
  for (int i = 0; i < 2; i++) sums[i] = int8_dot_avx2(sums[i], left, key[i]);
  __builtin_memcpy(&sum, sums, 64);
  return sum;
}
TK_END
// Unsigned by signed: key + 128.
TK_BEGIN_AVX512
TK_INLINE i16 key_dot_avx512(i16 sum, const int8_t *keys, const int8_t *query) {
  int32_t four;
  __builtin_memcpy(&four, query, 4);
  const __m512i key = _mm512_xor_si512(_mm512_loadu_si512(keys), _mm512_set1_epi8(-128));
  return (i16)_mm512_dpbusd_epi32((__m512i)sum, key, _mm512_set1_epi32(four));
}
TK_END
#elif defined(__aarch64__)
TK_INLINE i16 key_dot_neon(i16 sum, const int8_t *keys, const int8_t *query) {
  const int8x16_t left = int8_left_load_plain(query);
  int32x4_t sums[4], key[4];
  __builtin_memcpy(sums, &sum, 64);
  __builtin_memcpy(key, keys, 64);
  for (int i = 0; i < 4; i++) sums[i] = int8_dot_plain(sums[i], left, key[i]);
  __builtin_memcpy(&sum, sums, 64);
  return sum;
}
#endif

#endif
