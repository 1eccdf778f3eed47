// Measures the limits of the machine for `bench`: multiply-adds from registers, int8 multiply-adds
// from registers, and bytes read. Each thread works alone and reports its work. The first two depend on
// the registers and instructions of a set, so each set has its own loop, defined by PEAK.
#include "isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// Tells the compiler that register x is read and changed here, so that it cannot remove, merge or move work
// on x. W is a vector register, R a general register.
#if defined(__x86_64__)
#define KEEP_W(x) __asm__ volatile("" : "+v"(x))
#elif defined(__aarch64__)
#define KEEP_W(x) __asm__ volatile("" : "+w"(x))
#else
#define KEEP_W(x) __asm__ volatile("" : "+m"(x))
#endif
#define KEEP_R(x) __asm__ volatile("" : "+r"(x))

/// Runs COUNT independent chains of sum = STEP(sum, a, b), enough to hide the latency of every
/// unit. A step is PRODUCTS multiplications and as many additions.
#define PEAK(TARGET, name, REGISTER, KEEP, START, STEP, COUNT, PRODUCTS)                        \
  TARGET static void name(const tk_peak_args *p, int part, int parts) {                         \
    (void)parts;                                                                                \
    REGISTER a = START, b = START, sum[COUNT];                                                  \
    KEEP(a);                                                                                    \
    KEEP(b);                                                                                    \
    UNROLL for (int i = 0; i < COUNT; i++) sum[i] = START;                                      \
    for (int64_t round = 0; round < p->iterations; round++)                                     \
      UNROLL for (int i = 0; i < COUNT; i++) {                                                  \
        sum[i] = STEP(sum[i], a, b);                                                            \
        KEEP(sum[i]);                                                                           \
      }                                                                                         \
    p->done[part] = p->iterations * COUNT * PRODUCTS * 2;                                       \
  }

typedef float vector4 __attribute__((vector_size(16)));
typedef float vector8 __attribute__((vector_size(32)));
typedef float vector16 __attribute__((vector_size(64)));

// From 0.5, x ← x·0.5 + 0.5 tends to 1, so no subnormal number and no infinity slows it down.
#define STEP_FMA(sum, a, b) __builtin_elementwise_fma(sum, a, b)
#define STEP_INT8_SCALAR(sum, a, b) ((sum) + (a) * (b))

PEAK(, peak_fma_scalar, float, KEEP_W, 0.5f, __builtin_fmaf, 8, 1)
PEAK(, peak_int8_scalar, int32_t, KEEP_R, 1, STEP_INT8_SCALAR, 8, 1)

#if defined(__x86_64__)

// An exact product of signed bytes without a dot-product instruction: move the sign, multiply unsigned by
// signed bytes and add pairs to 16 bits, add pairs of those to 32 bits, and add to the sum.
#define STEP_INT8_AVX2(sum, a, b)                                                              \
  _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, _mm256_sign_epi8(kept(b), a)), \
                                          a))
/// Hides from the compiler that the value is the same in every step.
TK_TARGET_AVX2 TK_INLINE __m256i kept(__m256i x) {
  KEEP_W(x);
  return x;
}
PEAK(TK_TARGET_AVX2, peak_fma_avx2, vector8, KEEP_W, (vector8){0} + 0.5f, STEP_FMA, 12, 8)
PEAK(TK_TARGET_AVX2, peak_int8_avx2, __m256i, KEEP_W, _mm256_set1_epi8(1), STEP_INT8_AVX2, 12, 32)

PEAK(TK_TARGET_AVX512, peak_fma_avx512, vector16, KEEP_W, (vector16){0} + 0.5f, STEP_FMA, 24, 16)
PEAK(TK_TARGET_AVX512, peak_int8_avx512, __m512i, KEEP_W, _mm512_set1_epi8(1), _mm512_dpbusd_epi32, 24, 64)

#elif defined(__aarch64__)

#define STEP_INT8_PLAIN(sum, a, b) \
  vpadalq_s16(sum, kept(products(vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b))))
/// Hides from the compiler that the product is the same in every step.
TK_INLINE int16x8_t kept(int16x8_t product) {
  KEEP_W(product);
  return product;
}
/// Sixteen products, added in pairs to 16 bits.
TK_INLINE int16x8_t products(int8x16_t a, int8x16_t b) {
  return vmlal_high_s8(kept(vmull_s8(vget_low_s8(a), vget_low_s8(b))), a, b);
}
PEAK(, peak_int8_plain, int32x4_t, KEEP_W, vdupq_n_s32(0x01010101), STEP_INT8_PLAIN, 16, 16)

#define STEP_INT8_DOT(sum, a, b) vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b))
PEAK(TK_TARGET_NEON_DOT, peak_int8_dot, int32x4_t, KEEP_W, vdupq_n_s32(0x01010101), STEP_INT8_DOT, 16, 16)

static void peak_int8_neon(const tk_peak_args *p, int part, int parts) {
  if (tk_has_dot_product())
    peak_int8_dot(p, part, parts);
  else
    peak_int8_plain(p, part, parts);
}
PEAK(, peak_fma_neon, vector4, KEEP_W, (vector4){0} + 0.5f, STEP_FMA, 24, 4)

#endif

void tk_peak_fma(const void *args, int part, int parts) {
  TK_DISPATCH(tk_isa_active(), peak_fma, (args, part, parts))
}

void tk_peak_int8(const void *args, int part, int parts) {
  TK_DISPATCH(tk_isa_active(), peak_int8, (args, part, parts))
}

/// Sums a slice in four interleaved sets of 16 lanes.
TK_INLINE void read_slice(const void *args, int part, int parts) {
  const tk_read_args *r = args;
  int64_t begin, end;
  tk_slice(r->count, 64, part, parts, &begin, &end);
  v16 sum[4] = {0};
  int64_t i = begin;
  for (; i + 64 <= end; i += 64)
    UNROLL for (int s = 0; s < 4; s++) sum[s] += *(const v16 *)(r->x + i + 16 * s);
  for (; i < end; i++) sum[0][i % 16] += r->x[i];
  float total = 0;
  for (int s = 0; s < 4; s++)
    for (int lane = 0; lane < 16; lane++) total += sum[s][lane];
  r->sink[part] = total;
}
TK_KERNEL(tk_read, read_slice)
