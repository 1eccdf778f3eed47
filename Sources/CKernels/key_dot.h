// sum(j) += Σ_i key(j, i)·query(i) for sixteen keys, with four adjacent codes of each, and four codes of a query, all
// in −127…127. It is exact on every instruction set. An instruction set may have to add key_offset to each key
// code; the caller therefore starts the sums at −key_offset·Σ query.
#ifndef TINYRLHF_KEY_DOT_H
#define TINYRLHF_KEY_DOT_H
#include "int8_dot.h"

TK_INLINE int key_offset(const tk_isa isa) { return isa == TK_AVX512 ? 128 : 0; }

#if defined(__x86_64__)
/// The instruction multiplies unsigned by signed bytes: key + 128 and query.
TK_TARGET_AVX512 static inline void key_dot_avx512(i16 *sum, const int8_t *keys, const int8_t *query) {
  int32_t four;
  __builtin_memcpy(&four, query, 4);
  const __m512i key = _mm512_xor_si512(_mm512_loadu_si512(keys), _mm512_set1_epi8(-128));
  *sum = (i16)_mm512_dpbusd_epi32((__m512i)*sum, key, _mm512_set1_epi32(four));
}
#endif

TK_INLINE void key_dot(const tk_isa isa, i16 *sum, const int8_t *keys, const int8_t *query) {
#if defined(__x86_64__)
  if (isa == TK_AVX512) return key_dot_avx512(sum, keys, query);
#endif
  int8_left left;
  int8_left_load(isa, &left, query);
  int8_dot(isa, sum, &left, keys);
}

#endif
