// Quantises weights and activations to int8 codes, and converts weights back. int8_row.h defines the codes.
#include "vmath.h"
#include "activation_row.h"
#include "floats.h"
#include "int8_row.h"
#include "norm_row.h"
#include "rotation.h"

/// The workspace in which a part prepares rows of K elements.
TK_INLINE float *part_workspace(float *workspace, int64_t K, int part) {
  return workspace + part * ((K + 15) / 16 * 16);
}

/// Writes a row of K weights that are stored in 16 bits as float32.
TK_INLINE void widen_row(tk_float type, const void *row, int64_t K, float *to) {
  for (int64_t k = 0; k < K; k += 16)
    v_store_at(to, k, K, type == TK_BFLOAT16 ? load_floats(TK_BFLOAT16, row, k, K)
                                             : load_floats(TK_FLOAT16, row, k, K));
}

TK_INLINE void int8_pack(const void *args, int part, int parts) {
  const tk_int8_pack_args *p = args;
  int64_t begin, end, depth = (p->K + 3) / 4 * 4;
  tk_slice(p->N, 16, part, parts, &begin, &end);
  for (int64_t n = begin; n < end; n++) {
    const void *stored = float_at(p->type, p->w, n * p->K);
    const float *row = stored;
    if (p->type != TK_FLOAT32) {
      float *wide = part_workspace(p->workspace, p->K, part);
      widen_row(p->type, stored, p->K, wide);
      row = wide;
    }
    if (p->factors) {
      float *prepared = part_workspace(p->workspace, p->K, part);
      prepare(row, p->factors, 1, p->K, prepared);
      row = prepared;
    }
    float scale = row_scale(row, p->K);
    int8_t *to = p->codes + n / 16 * 16 * depth + n % 16 * 4;
    p->scales[n] = scale;
    p->row_sums[n] = row_codes(row, p->K, scale, to, 64);
  }
  for (int64_t n = end; begin < end && n % 16 != 0; n++)
    for (int64_t k = 0; k < depth; k += 4)
      __builtin_memset(p->codes + n / 16 * 16 * depth + k * 16 + n % 16 * 4, 0, 4);
}
TK_KERNEL(tk_int8_pack, int8_pack)

/// Computes each row if an operation is given, and quantises it at once, while it is in the cache.
TK_INLINE void int8_quantize(const void *args, int part, int parts) {
  const tk_int8_quantize_args *q = args;
  int64_t begin, end, depth = (q->K + 3) / 4 * 4;
  tk_slice(q->rows, 1, part, parts, &begin, &end);
  for (int64_t m = begin; m < end; m++) {
    if (q->norm) norm_row(q->norm, m);
    if (q->activation) activate_row(q->activation, m);
    const float *row = q->x + m * q->x_row;
    if (q->factors) {
      float *prepared = part_workspace(q->workspace, q->K, part);
      prepare(row, q->factors, 0, q->K, prepared);
      row = prepared;
    }
    float scale = row_scale(row, q->K);
    q->scales[m] = scale;
    row_codes(row, q->K, scale, q->codes + m * depth, 4);
  }
}
TK_KERNEL(tk_int8_quantize, int8_quantize)

TK_INLINE void int8_unpack(const void *args, int part, int parts) {
  const tk_int8_unpack_args *u = args;
  int64_t begin, end, depth = (u->K + 3) / 4 * 4;
  tk_slice(u->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const int64_t n = u->ids ? u->ids[row] : row;
    const int8_t *codes = u->codes + n / 16 * 16 * depth + n % 16 * 4;
    float *w = u->w + row * u->w_row;
    for (int64_t k = 0; k < u->K; k++) w[k] = (float)codes[k / 4 * 64 + k % 4];
    // Exact before the scale: the rotation gives integers divided by 8, and factors are powers of two.
    if (u->factors) rotate_back(w, u->K);
    for (int64_t k = 0; k < u->K; k += 16) {
      v16 v = v_load_at(w, k, u->K, 0);
      if (u->factors) v *= v_load_at(u->factors, k, u->K, 0);
      v_store_at(w, k, u->K, v * u->scales[n]);
    }
  }
}
TK_KERNEL(tk_int8_unpack, int8_unpack)

size_t tk_int8_packed_bytes(int64_t N, int64_t K) {
  return (size_t)((N + 15) / 16 * 16) * (size_t)((K + 3) / 4 * 4);
}




size_t tk_int8_workspace_bytes(int64_t K, int parts) {
  return (size_t)((K + 15) / 16 * 16) * sizeof(float) * (size_t)parts;
}
