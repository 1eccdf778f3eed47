// The int8 matrix product, y = dequantised(x·wᵀ) (+ bias), for generation.
//
// Contract. Codes are in −127…127; x is [M, K4], and w is packed [⌈N/16⌉][K4/4][16][4], where K4 is K
// rounded up to 4 and padding codes are zero. The sum over K is exact in int32 (K ≤ 133,000), so
// its order does not matter. The float operations after it are the same in every instruction set:
//     t = float(sum)·(x_scale·w_scale);  t += bias;  y = t  or  y + t
// Only y[0..<M, 0..<N] is written. y must not overlap an input.
#include "int8_dot.h"

/// Whether the parts split the rows, as in every other operation. They do if there are many rows and few weights; a
/// row's activations then stay on one core. Otherwise the parts split the panels of 16 outputs, so that each weight is
/// read from memory once for any M.
TK_INLINE int int8_parts_are_rows(const tk_int8_gemm_args *g, int parts) {
  return g->M >= 16 * (int64_t)parts && g->N * g->K <= 1 << 18;
}

/// The scalar reference, one element at a time.
TK_INLINE void int8_gemm_by_element(const tk_int8_gemm_args *g, int part, int parts) {
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

// The sums of a tile stay in registers for all of K.
enum { MOST_ROWS = 6, MOST_PANELS = 4 };

/// Rows of a register tile.
TK_INLINE int tile_rows(const tk_isa isa) {
  return isa == TK_SCALAR ? 0 : isa == TK_AVX2 ? 2 : isa == TK_NEON ? 5 : MOST_ROWS;
}
/// Panels of 16 outputs across a register tile.
TK_INLINE int tile_panels(const tk_isa isa) {
  return isa == TK_AVX512 ? MOST_PANELS : isa == TK_AVX2 ? 2 : 1;
}

/// Loads 16 elements, or the first `count` and zeros.
TK_INLINE v16 int8_floats(const float *from, int64_t count) {
  if (count >= 16) return *(const v16 *)from;
  v16 some = {0};
  __builtin_memcpy(&some, from, (size_t)count * sizeof(float));
  return some;
}

/// Writes y from the sums of `rows` rows of a panel with `count` outputs. If there is no bias, or no old y, −0 is added
/// instead: its addition changes no number, so all cases use the same code.
TK_INLINE void int8_finish(const int rows, const tk_int8_gemm_args *g, int64_t m, int64_t n,
                           int64_t count, const i16 *sums) {
  static const v16 nothing = {-0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f,
                              -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f};
  const v16 w_scale = int8_floats(g->w_scales + n, count);
  const v16 bias = g->bias ? int8_floats(g->bias + n, count) : nothing;
  float *y = g->y + m * g->y_row + n;
  const float *base = g->accumulate ? y : (const float *)&nothing;
  const int64_t base_row = g->accumulate ? g->y_row : 0;
  if (count >= 16) {
    UNROLL for (int r = 0; r < rows; r++) {
      const v16 scale = g->x_scales[m + r] * w_scale;
      const v16 t = __builtin_convertvector(sums[r], v16) * scale + bias;
      *(v16 *)(y + r * g->y_row) = *(const v16 *)(base + r * base_row) + t;
    }
    return;
  }
  UNROLL for (int r = 0; r < rows; r++) {
    const v16 scale = g->x_scales[m + r] * w_scale;
    v16 t = __builtin_convertvector(sums[r], v16) * scale + bias;
    t = int8_floats(base + r * base_row, count) + t;
    __builtin_memcpy(y + r * g->y_row, &t, (size_t)count * sizeof(float));
  }
}

/// Computes rows m ..< m + rows of `panels` panels from output n on. Both numbers are constants at every
/// call, so that the sums are in registers. `ahead` points to the weights that are needed next: 16 bytes of
/// them are prefetched for each k.
TK_INLINE void int8_tile_of(const tk_isa isa, const int rows, const int panels,
                            const tk_int8_gemm_args *g, int64_t m, int64_t n, const int8_t *ahead) {
  int64_t depth = (g->K + 3) / 4 * 4;
  const int8_t *x = g->x + m * depth, *w = g->w + n * depth;
  i16 sum[MOST_ROWS][MOST_PANELS];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int p = 0; p < panels; p++) sum[r][p] = (i16){0};
  for (int64_t k = 0; k < depth; k += 4) {
    __builtin_prefetch(ahead + 16 * k, 0, 2);
    UNROLL for (int r = 0; r < rows; r++) {
      int8_left left;
      int8_left_load(isa, &left, x + r * depth + k);
      UNROLL for (int p = 0; p < panels; p++)
        int8_dot(isa, &sum[r][p], &left, w + 16 * (p * depth + k));
    }
  }
  UNROLL for (int p = 0; p < panels; p++) {
    const int64_t from = n + 16 * p, count = g->N - from;
    i16 excess = {0}, total[MOST_ROWS];
    if (int8_offset(isa)) {
      __builtin_memcpy(&excess, g->row_sums + from, count >= 16 ? 64 : (size_t)count * 4);
      excess *= int8_offset(isa);
    }
    UNROLL for (int r = 0; r < rows; r++) total[r] = sum[r][p] - excess;
    int8_finish(rows, g, m, from, count, total);
  }
}

/// Calls int8_tile_of with the number of rows as a constant.
TK_INLINE void int8_tile_across(const tk_isa isa, int rows, const int panels,
                                const tk_int8_gemm_args *g, int64_t m, int64_t n,
                                const int8_t *ahead) {
#define TILE(count) \
  case count: if (count <= tile_rows(isa)) int8_tile_of(isa, count, panels, g, m, n, ahead); break;
  switch (rows) { TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) }
#undef TILE
}

/// Calls int8_tile_across with the number of panels as a constant.
TK_INLINE void int8_tile(const tk_isa isa, int rows, int panels, const tk_int8_gemm_args *g,
                         int64_t m, int64_t n, const int8_t *ahead) {
#define TILE(count)                                                                      \
  case count:                                                                            \
    if (count <= tile_panels(isa)) int8_tile_across(isa, rows, count, g, m, n, ahead);   \
    break;
  switch (panels) { TILE(1) TILE(2) TILE(3) TILE(4) }
#undef TILE
}

/// Computes a few panels at a time for all rows. These panels stay in the second-level cache, and the next panels are
/// prefetched from memory, one with each tile.
TK_INLINE void int8_product(const tk_isa isa, const tk_int8_gemm_args *g, int part, int parts) {
  const int most_rows = tile_rows(isa), most_panels = tile_panels(isa);
  int64_t row = 0, rows = g->M, begin = 0, end = g->N, step;
  if (int8_parts_are_rows(g, parts)) tk_slice(g->M, 1, part, parts, &row, &rows);
  else tk_slice(g->N, 16, part, parts, &begin, &end);
  rows -= row;
  int64_t tiles = (rows + most_rows - 1) / most_rows, depth = (g->K + 3) / 4 * 4;
  for (int64_t n = begin; n < end; n += step) {
    int64_t panels = (end - n + 15) / 16;
    if (panels > most_panels) panels = most_panels;
    step = 16 * panels;
    for (int64_t tile = 0; tile < tiles; tile++) {
      int64_t m = rows * tile / tiles, next = rows * (tile + 1) / tiles;
      const int8_t *ahead = g->w + (n + step + 16 * tk_least(tile, panels - 1)) * depth;
      int8_tile(isa, (int)(next - m), (int)panels, g, row + m, n, ahead);
    }
  }
}

#if defined(__aarch64__)
TK_INSTANCE(TK_TARGET_NEON_DOT, int8_product, neon_dot, TK_NEON_DOT,
            (const tk_int8_gemm_args *g, int part, int parts), (g, part, parts), isa)
#endif

TK_INLINE void int8_gemm(const tk_isa isa, const void *args, int part, int parts) {
  const tk_int8_gemm_args *g = args;
  if (g->M <= 0 || g->N <= 0) return;
#if defined(__aarch64__)
  if (isa == TK_NEON && tk_has_dot_product()) return int8_product_neon_dot(g, part, parts);
#endif
  if (isa == TK_SCALAR) int8_gemm_by_element(g, part, parts);
  else int8_product(isa, g, part, parts);
}
TK_KERNEL(tk_int8_gemm, int8_gemm, isa)
