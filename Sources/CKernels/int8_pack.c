// To int8 codes and back.
//
// Contract. A row's scale is max|w|/127, and a code is w/scale rounded half to even: one IEEE
// division and one exact rounding, the same bits on every instruction set. Since the scale is
// within half a unit in the last place, |w/scale| < 127.5: no code leaves −127…127. Two kinds of
// rows have no such scale: where it would be zero or subnormal it is 1 and the codes are 0, and
// where an element is infinite or not a number it is NaN and the codes are 0, so that the product
// is NaN instead of wrong. Padding codes are 0.
#ifdef TK_SUFFIX
#include "vmath.h"

#include "activation_row.h"
#include "norm_row.h"

typedef int8_t TK(c16) __attribute__((vector_size(16), aligned(1)));

/// Stores 16 consecutive codes of a row, of which the first `count` are its own and the rest zero:
/// the first ⌈count/4⌉ groups of 4, `stride` bytes from group to group.
TK_INLINE void TK(store_codes)(int8_t *to, int64_t stride, int64_t count, const TK(c16) *codes) {
  if (stride == 4 && count >= 16) {
    *(TK(c16) *)to = *codes;
    return;
  }
  for (int64_t i = 0; i < 16 && i < count; i += 4)
    __builtin_memcpy(to + i / 4 * stride, (const int8_t *)codes + i, 4);
}

/// max|x| / 127, or what stands for it. The bits of floats without their sign order as the floats
/// do, with infinity and then every NaN on top.
TK_INLINE float TK(row_scale)(const float *x, int64_t count) {
  i16 most = {0};
  for (int64_t k = 0; k < count; k += 16) {
    i16 bits = (i16)TK(v_load_at)(x, k, count, 0) & 0x7fffffff;
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
TK_INLINE int32_t TK(row_codes)(const float *x, int64_t count, float scale, int8_t *to,
                            int64_t stride) {
  const float whole = 0x1.8p23f;
  int defined = scale == scale;
  i16 sum = {0};
  for (int64_t k = 0; k < count; k += 16) {
    v16 rounded = TK(v_load_at)(x, k, count, 0) / scale + whole;
    i16 codes = (i16)rounded - 0x4b400000;
    if (!defined) codes = (i16){0};
    sum += codes;
    TK(c16) bytes = __builtin_convertvector(codes, TK(c16));
    TK(store_codes)(to + k / 4 * stride, stride, count - k, &bytes);
  }
  return __builtin_reduce_add(sum);
}

static void TK(int8_pack)(const void *args, int part, int parts) {
  const tk_int8_pack_args *p = args;
  int64_t begin, end, depth = (p->K + 3) / 4 * 4;
  tk_slice(p->N, 16, part, parts, &begin, &end);
  for (int64_t n = begin; n < end; n++) {
    float scale = TK(row_scale)(p->w + n * p->K, p->K);
    int8_t *to = p->codes + n / 16 * 16 * depth + n % 16 * 4;
    p->scales[n] = scale;
    p->row_sums[n] = TK(row_codes)(p->w + n * p->K, p->K, scale, to, 64);
  }
  for (int64_t n = end; begin < end && n % 16 != 0; n++)
    for (int64_t k = 0; k < depth; k += 4)
      __builtin_memset(p->codes + n / 16 * 16 * depth + k * 16 + n % 16 * 4, 0, 4);
}

/// Computes a row where it is asked for, and quantises it while it is near.
static void TK(int8_quantize)(const void *args, int part, int parts) {
  const tk_int8_quantize_args *q = args;
  int64_t begin, end, depth = (q->K + 3) / 4 * 4;
  tk_slice(q->rows, 1, part, parts, &begin, &end);
  for (int64_t m = begin; m < end; m++) {
    if (q->norm) TK(norm_row)(q->norm, m);
    if (q->swiglu) TK(swiglu_row)(q->swiglu, m);
    for (int64_t k = 0; q->gelu && k < q->K; k += 16) {
      v16 x = TK(v_load_at)(q->gelu->x + m * q->K, k, q->K, 0);
      TK(v_store_at)(q->gelu->y + m * q->K, k, q->K, TK(gelu16)(x));
    }
    float scale = TK(row_scale)(q->x + m * q->x_row, q->K);
    q->scales[m] = scale;
    TK(row_codes)(q->x + m * q->x_row, q->K, scale, q->codes + m * depth, 4);
  }
}

#else
#define TK_FILE "int8_pack.c"
#include "instances.h"

size_t tk_int8_packed_bytes(int64_t N, int64_t K) {
  return (size_t)((N + 15) / 16 * 16) * (size_t)((K + 3) / 4 * 4);
}

void tk_int8_pack(const void *args, int part, int parts) {
  TK_DISPATCH(int8_pack, args, part, parts)
}

void tk_int8_quantize(const void *args, int part, int parts) {
  TK_DISPATCH(int8_quantize, args, part, parts)
}

void tk_int8_unpack(const void *args, int part, int parts) {
  const tk_int8_unpack_args *u = args;
  int64_t begin, end, depth = (u->K + 3) / 4 * 4;
  tk_slice(u->N, 1, part, parts, &begin, &end);
  for (int64_t n = begin; n < end; n++) {
    const int8_t *codes = u->codes + n / 16 * 16 * depth + n % 16 * 4;
    for (int64_t k = 0; k < u->K; k++)
      u->w[n * u->K + k] = u->scales[n] * (float)codes[k / 4 * 64 + k % 4];
  }
}
#endif
