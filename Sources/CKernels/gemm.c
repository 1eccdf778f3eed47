// The float32 matrix product, C = from + A·B (+ bias), for any strides.
//
// Contract. Each element of C is one ascending chain of fused multiply-adds over k. The chain begins at
// `from` or at 0 and continues in C from one cache block to the next. The bias is added once, after the
// chain. So instruction set, tile shape, cache blocks and number of parts do not change a bit. Only
// C[0..<M, 0..<N] is written. Besides `from` and the bias, only A and B are read. C must not overlap A or B.
#include "gemm_pack.h"
#include "gemm_tile.h"

enum {
  gemm_block_rows = 96,          // rows of a packed block of A
  gemm_block_depth = 256,        // most k of a packed block
  gemm_right_floats = 147456,    // packed block of B: 576 KiB, the larger part of a second-level cache
  gemm_left_floats = gemm_block_rows * gemm_block_depth,
  gemm_slice_rows = MOST_ROWS, gemm_slice_columns = MOST_COLUMNS,  // whole tiles of every set
  gemm_slack_floats = 16,        // room after the last transposed store of A
  gemm_part_floats = gemm_right_floats + gemm_left_floats + gemm_slack_floats,
};
_Static_assert(gemm_block_rows % MOST_ROWS == 0, "a block of A must consist of whole panels");

size_t tk_gemm_workspace_bytes(int parts) {
  return (size_t)(parts < 1 ? 1 : parts) * gemm_part_floats * sizeof(float);
}

/// The product that one part computes: a slice of the rows of C if there are more rows than columns, else of the
/// columns. (Every part packs the whole other operand itself.) Slices are whole tiles of every instruction set and do
/// not depend on the one in use, so parts that see different sets still cover C.
TK_INLINE tk_gemm_args gemm_slice(const tk_gemm_args *all, int part, int parts) {
  tk_gemm_args g = *all;
  int64_t begin, end;
  g.workspace = (float *)all->workspace + (int64_t)part * gemm_part_floats;
  if (g.M > g.N) {
    tk_slice(g.M, gemm_slice_rows, part, parts, &begin, &end);
    g.M = end - begin;
    g.A += begin * g.a_row;
    g.C += begin * g.c_row;
    if (g.from) g.from += begin * g.from_row;
  } else {
    tk_slice(g.N, gemm_slice_columns, part, parts, &begin, &end);
    g.N = end - begin;
    g.B = float_at(g.b_type, g.B, begin * g.b_column);
    g.C += begin;
    if (g.from) g.from += begin;
    if (g.bias) g.bias += begin;
  }
  return g;
}

/// The scalar reference, one element at a time.
TK_INLINE void gemm_by_element(const tk_gemm_args *all, int part, int parts) {
  const tk_gemm_args g = gemm_slice(all, part, parts);
  for (int64_t m = 0; m < g.M; m++)
    for (int64_t n = 0; n < g.N; n++) {
      const float *a = g.A + m * g.a_row;
      const void *b = float_at(g.b_type, g.B, n * g.b_column);
      float *c = g.C + m * g.c_row + n;
      float sum = g.from ? g.from[m * g.from_row + n] : 0;
      for (int64_t k = 0; k < g.K; k++)
        sum = __builtin_fmaf(a[k * g.a_column], load_float(g.b_type, b, k * g.b_row), sum);
      *c = g.bias ? sum + g.bias[n] : sum;
    }
}

/// The size of equal blocks of at most `most` elements that cover `count`, rounded up to a multiple of `grain`.
TK_INLINE int64_t gemm_even_blocks(int64_t count, int64_t most, int64_t grain) {
  int64_t blocks = (count + most - 1) / most;
  if (blocks < 1) blocks = 1;
  int64_t size = (count + blocks - 1) / blocks;
  return (size + grain - 1) / grain * grain;
}

TK_INLINE void pack_left(const tk_isa isa, const tk_gemm_args *g, int64_t row, int64_t count, int64_t k,
                         int64_t kc, float *to) {
  const float *corner = g->A + row * g->a_row + k * g->a_column;
  pack(register_lanes(isa), TK_FLOAT32, corner, g->a_row, g->a_column, count, kc, tile_rows(isa), to);
}

TK_INLINE void pack_right(const tk_isa isa, const tk_gemm_args *g, int64_t column, int64_t count, int64_t k,
                          int64_t kc, float *to) {
#define PACK(type)                                                                                         \
  case type:                                                                                               \
    pack(register_lanes(isa), type, float_at(type, g->B, k * g->b_row + column * g->b_column), g->b_column, \
         g->b_row, count, kc, tile_columns(isa), to);                                                      \
    break;
  switch (g->b_type) {
    PACK(TK_FLOAT32) PACK(TK_BFLOAT16) PACK(TK_FLOAT16)
  }
#undef PACK
}

/// Computes the product of one part in cache blocks. A block of B stays in the second-level cache while A is read, and
/// a panel of A stays in the first-level cache while B's panels are read. If all rows fit one tile, B is packed and
/// used one panel at a time, so that the weights are read once.
TK_INLINE void gemm_by_blocks(const tk_isa isa, const tk_gemm_args *all, int part, int parts) {
  tk_gemm_args g = gemm_slice(all, part, parts);
  if (g.M <= 0 || g.N <= 0) return;
  const int across = tile_columns(isa);
  float *right = g.workspace, *left = right + gemm_right_floats;
  int64_t deep = gemm_even_blocks(g.K, gemm_block_depth, 16);
  int64_t most = gemm_right_floats / (deep > 0 ? deep : 1) / across * across;
  int64_t wide = g.M <= tile_rows(isa) ? across : gemm_even_blocks(g.N, most, across);
  int64_t k = 0;
  do {
    int64_t kc = g.K - k < deep ? g.K - k : deep;
    const float *from = k == 0 ? g.from : g.C, *bias = k + kc >= g.K ? g.bias : NULL;
    int64_t from_row = k == 0 ? g.from_row : g.c_row;
    for (int64_t j = 0; j < g.N; j += wide) {
      int64_t columns = g.N - j < wide ? g.N - j : wide;
      pack_right(isa, &g, j, columns, k, kc, right);
      for (int64_t i = 0; i < g.M; i += gemm_block_rows) {
        int64_t rows = g.M - i < gemm_block_rows ? g.M - i : gemm_block_rows;
        if (j == 0 || g.M > gemm_block_rows) pack_left(isa, &g, i, rows, k, kc, left);
        block(isa, rows, columns, kc, left, right, g.C + i * g.c_row + j, g.c_row,
              from ? from + i * from_row + j : NULL, from_row, bias ? bias + j : NULL);
      }
    }
    k += kc;
  } while (k < g.K);
}

TK_INLINE void gemm(const tk_isa isa, const void *args, int part, int parts) {
  const tk_gemm_args *g = args;
  if (g->M <= 0 || g->N <= 0) return;
  if (isa == TK_SCALAR) gemm_by_element(g, part, parts);
  else gemm_by_blocks(isa, g, part, parts);
}
TK_KERNEL(tk_gemm, gemm, isa)
