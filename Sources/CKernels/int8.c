// The int8 matrix product, y = dequantised(x·wᵀ) (+ bias), for generation.
//
// Contract. Codes lie in −127…127; x is [M, K4] and w packed [⌈N/16⌉][K4/4][16][4], with K4 = K
// rounded up to 4 and zero codes as padding. The sum over K is exact in int32 (K ≤ 133,000), so
// its order is free; the float epilogue is the same few operations everywhere:
//     t = float(sum)·(x_scale·w_scale);  t += bias;  y = t  or  y + t
// Nothing but y[0..<M, 0..<N] is written, and y overlaps no input.
#include "int8_dot.h"

/// Parts split the panels of 16 outputs, so that each weight is read from memory once, whatever M is;
/// but the rows, as every other operation does, where there are many and the weights are few: then a
/// row's activations never leave the core that computes them.
static int int8_parts_are_rows(const tk_int8_gemm_args *g, int parts) {
  return g->M >= 16 * (int64_t)parts && g->N * g->K <= 1 << 18;
}

/// The definition, one element at a time.
static void int8_gemm_scalar(const tk_int8_gemm_args *g, int part, int parts) {
  int64_t begin, end, depth = (g->K + 3) / 4 * 4;
  tk_slice(g->N, 16, part, parts, &begin, &end);
  for (int64_t n = begin; n < end; n++) {
    const int8_t *w = g->w + n / 16 * 16 * depth + n % 16 * 4;
    for (int64_t m = 0; m < g->M; m++) {
      const int8_t *x = g->x + m * depth;
      int32_t sum = 0;
      for (int64_t k = 0; k < depth; k++) sum += x[k] * w[k / 4 * 64 + k % 4];
      float scale = g->x_scales[m] * g->w_scales[n];
      float t = (float)sum * scale;
      if (g->bias) t += g->bias[n];
      float *y = g->y + m * g->y_row + n;
      *y = g->accumulate ? *y + t : t;
    }
  }
}

#if defined(__x86_64__)

TK_BEGIN_AVX2
#define TK_SUFFIX avx2
#define TK_WIDE __m256i
#define TK_LEFT int8_left_avx2
#define TK_ROWS 2
#define TK_PANELS 2
#define TK_OFFSET 0
#include "int8_body.h"
TK_END

// dpbusd multiplies unsigned by signed bytes: x + 128 and w. The sum is then 128·Σw too large.
TK_BEGIN_AVX512
TK_INLINE __m512i int8_left_load_avx512(const int8_t *x) {
  int32_t four;
  __builtin_memcpy(&four, x, 4);
  __m512i offset = _mm512_set1_epi8(-128);
  // The compiler must not see that all lanes are alike: it would flip the four bytes before it
  // spreads them, three instructions where one takes both from memory.
  __asm__("" : "+v"(offset));
  return _mm512_xor_si512(_mm512_set1_epi32(four), offset);
}
TK_INLINE __m512i int8_dot_avx512(__m512i sum, __m512i x, __m512i w) {
  return _mm512_dpbusd_epi32(sum, x, w);
}
#define TK_SUFFIX avx512
#define TK_WIDE __m512i
#define TK_LEFT __m512i
#define TK_ROWS 6
#define TK_PANELS 4
#define TK_OFFSET 128
#include "int8_body.h"
TK_END

#elif defined(__aarch64__)

// Without the dot-product instructions.
#define TK_SUFFIX plain
#define TK_WIDE int32x4_t
#define TK_LEFT int8x16_t
#define TK_ROWS 5
#define TK_PANELS 1
#define TK_OFFSET 0
#include "int8_body.h"

TK_BEGIN_DOT_PRODUCT
TK_INLINE int8x16_t int8_left_load_dot(const int8_t *x) {
  return vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)x));
}
TK_INLINE int32x4_t int8_dot_dot(int32x4_t sum, int8x16_t x, int32x4_t w) {
  return vdotq_s32(sum, x, vreinterpretq_s8_s32(w));
}
#define TK_SUFFIX dot
#define TK_WIDE int32x4_t
#define TK_LEFT int8x16_t
#define TK_ROWS 6
#define TK_PANELS 1
#define TK_OFFSET 0
#include "int8_body.h"
TK_END

static void int8_gemm_neon(const tk_int8_gemm_args *g, int part, int parts) {
  if (tk_has_dot_product())
    int8_gemm_dot(g, part, parts);
  else
    int8_gemm_plain(g, part, parts);
}

#endif

void tk_int8_gemm(const void *args, int part, int parts) {
  const tk_int8_gemm_args *g = args;
  if (g->M <= 0 || g->N <= 0) return;
  TK_DISPATCH(int8_gemm, g, part, parts)
}
