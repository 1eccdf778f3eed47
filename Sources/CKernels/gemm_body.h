// The packed, register-blocked matrix product of one instruction set; gemm.c includes this file
// once per set, with
//   TK_SUFFIX   of the functions' names
//   TK_LANES    floats in a register
//   TK_ROWS     rows of a register tile
//   TK_VECTORS  registers across a register tile
//   TK_ZIP_LOW, TK_ZIP_HIGH  interleave the lower or upper halves of two registers
// A tile of C lives in registers while k runs; vectors lie across columns of C, so that every
// element has a chain of its own and the shape of the tile cannot be seen in the bits.

#define TK_JOIN2(name, suffix) name##_##suffix
#define TK_JOIN(name, suffix) TK_JOIN2(name, suffix)
#define NAME(name) TK_JOIN(name, TK_SUFFIX)
#define COLUMNS (TK_LANES * TK_VECTORS)

typedef float NAME(vector) __attribute__((vector_size(4 * TK_LANES), aligned(4)));
#define V NAME(vector)

_Static_assert(COLUMNS % TK_LANES == 0, "panels of B are whole registers");
_Static_assert(TK_ROWS % TK_LANES == 0 || TK_ROWS < TK_LANES, "see pack_panel_transposed");
_Static_assert(gemm_slice_rows % TK_ROWS == 0 && gemm_slice_columns % COLUMNS == 0, "whole tiles");
_Static_assert(gemm_block_rows % TK_ROWS == 0, "a block of A is whole panels");

/// C[rows, COLUMNS] = from + a[kc, TK_ROWS]ᵀ · b[kc, COLUMNS], then + bias; from may be NULL for
/// zeros. `rows` is a constant at every call, so that the accumulators are registers.
TK_INLINE void NAME(tile_of)(const int rows, int64_t kc, const float *a, const float *b, float *c,
                             int64_t c_row, const float *from, int64_t from_row,
                             const float *bias) {
  V sum[TK_ROWS][TK_VECTORS];
  UNROLL for (int m = 0; m < rows; m++)
    UNROLL for (int v = 0; v < TK_VECTORS; v++)
      sum[m][v] = from ? *(const V *)(from + m * from_row + v * TK_LANES) : (V){0};
  for (int64_t k = 0; k < kc; k++, a += TK_ROWS, b += COLUMNS) {
    V right[TK_VECTORS];
    UNROLL for (int v = 0; v < TK_VECTORS; v++) right[v] = *(const V *)(b + v * TK_LANES);
    UNROLL for (int m = 0; m < rows; m++) {
      V left = a[m] - (V){0};  // in every lane; adding 0 would lose the sign of −0
      UNROLL for (int v = 0; v < TK_VECTORS; v++)
        sum[m][v] = __builtin_elementwise_fma(left, right[v], sum[m][v]);
    }
  }
  UNROLL for (int m = 0; m < rows; m++)
    UNROLL for (int v = 0; v < TK_VECTORS; v++) {
      if (bias) sum[m][v] += *(const V *)(bias + v * TK_LANES);
      *(V *)(c + m * c_row + v * TK_LANES) = sum[m][v];
    }
}

static void NAME(tile)(int rows, int64_t kc, const float *a, const float *b, float *c,
                       int64_t c_row, const float *from, int64_t from_row, const float *bias) {
#define TILE(n) \
  case n:                                                                                 \
    if (n <= TK_ROWS)                                                                     \
      NAME(tile_of)(n <= TK_ROWS ? n : 1, kc, a, b, c, c_row, from, from_row, bias);      \
    break;
  switch (rows) {
    TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
    TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
  }
#undef TILE
}

/// A tile that sticks out over the last column: computed in a full-width copy.
static void NAME(edge_tile)(int rows, int columns, int64_t kc, const float *a, const float *b,
                            float *c, int64_t c_row, const float *from, int64_t from_row,
                            const float *bias) {
  float copy[TK_ROWS * COLUMNS] = {0}, wide_bias[COLUMNS] = {0};
  for (int m = 0; m < rows && from; m++)
    for (int n = 0; n < columns; n++) copy[m * COLUMNS + n] = from[m * from_row + n];
  for (int n = 0; n < columns && bias; n++) wide_bias[n] = bias[n];
  NAME(tile)(rows, kc, a, b, copy, COLUMNS, from ? copy : NULL, COLUMNS, bias ? wide_bias : NULL);
  for (int m = 0; m < rows; m++)
    for (int n = 0; n < columns; n++) c[m * c_row + n] = copy[m * COLUMNS + n];
}

/// One packed block of A times one packed block of B.
static void NAME(block)(int64_t rows, int64_t columns, int64_t kc, const float *a, const float *b,
                        float *c, int64_t c_row, const float *from, int64_t from_row,
                        const float *bias) {
  for (int64_t i = 0; i < rows; i += TK_ROWS) {
    int height = (int)(rows - i < TK_ROWS ? rows - i : TK_ROWS);
    for (int64_t j = 0; j < columns; j += COLUMNS) {
      int64_t width = columns - j;
      float *corner = c + i * c_row + j;
      const float *its_from = from ? from + i * from_row + j : NULL;
      const float *its_bias = bias ? bias + j : NULL;
      if (width >= COLUMNS)
        NAME(tile)(height, kc, a + i * kc, b + j * kc, corner, c_row, its_from, from_row, its_bias);
      else
        NAME(edge_tile)(height, (int)width, kc, a + i * kc, b + j * kc, corner, c_row, its_from,
                        from_row, its_bias);
    }
  }
}

/// Transposes TK_LANES rows (those from `rows` on are zero) of as many floats each, by interleaving
/// row i with row i + TK_LANES/2 until every element has travelled.
TK_INLINE void NAME(transpose)(const float *from, int64_t stride, int rows, float *to,
                               int to_stride) {
  V line[TK_LANES], next[TK_LANES];
  UNROLL for (int i = 0; i < TK_LANES; i++)
    line[i] = i < rows ? *(const V *)(from + i * stride) : (V){0};
  UNROLL for (int stage = 1; stage < TK_LANES; stage *= 2) {
    UNROLL for (int i = 0; i < TK_LANES / 2; i++) {
      next[2 * i] = TK_ZIP_LOW(line[i], line[i + TK_LANES / 2]);
      next[2 * i + 1] = TK_ZIP_HIGH(line[i], line[i + TK_LANES / 2]);
    }
    UNROLL for (int i = 0; i < TK_LANES; i++) line[i] = next[i];
  }
  UNROLL for (int i = 0; i < TK_LANES; i++) *(V *)(to + i * to_stride) = line[i];
}

/// One panel [kc, width] from `rows` ≤ width rows that are contiguous along k. When the panel is
/// narrower than a register, each store runs over into the next line, which is written after it
/// (behind the last panel the workspace has room). The last k are done again from kc − TK_LANES.
TK_INLINE void NAME(pack_panel_transposed)(const float *from, int64_t stride, int rows, int64_t kc,
                                           const int width, float *to) {
  for (int64_t k = 0; k < kc; k += TK_LANES) {
    if (k + TK_LANES > kc) k = kc - TK_LANES;
    UNROLL for (int r = 0; r < width; r += TK_LANES) {
      const float *corner = from + (r < rows ? r * stride : 0) + k;
      const int all = width < TK_LANES ? width : TK_LANES;
      float *line = to + k * width + r;
      if (rows - r >= all) NAME(transpose)(corner, stride, all, line, width);
      else NAME(transpose)(corner, stride, rows - r, line, width);
    }
  }
}

/// Panels from rows along k (contiguous across the panel): a few k at a time through all panels, so
/// that the source is read in order; the lines of two such rounds later are asked for ahead.
TK_INLINE void NAME(pack_copied)(const float *from, int64_t stride, int64_t count, int64_t kc,
                                 const int width, float *to) {
  for (int64_t k0 = 0; k0 < kc; k0 += 8) {
    int64_t k1 = k0 + 8 < kc ? k0 + 8 : kc;
    for (int64_t i = 0; i < count; i += width) {
      float *panel = to + i * kc;
      int64_t rows = count - i;
      for (int64_t k = k0; k < k1; k++) {
        const float *line = from + k * stride + i;
        __builtin_prefetch(line + 16 * stride);
        if (width > 16) __builtin_prefetch(line + 16 * stride + 16);
        if (rows >= width) {
          __builtin_memcpy(panel + k * width, line, (size_t)width * sizeof(float));
        } else {
          for (int64_t r = 0; r < width; r++) panel[k * width + r] = r < rows ? line[r] : 0;
        }
      }
    }
  }
}

/// Packs element (i, k) = from[i*stride + k*k_stride], i < count, k < kc, into panels of `width`:
/// to[panel][k][i in panel], zeros where i ≥ count.
TK_INLINE void NAME(pack)(const float *from, int64_t stride, int64_t k_stride, int64_t count,
                          int64_t kc, const int width, float *to) {
  if (k_stride != 1 && stride == 1) {
    NAME(pack_copied)(from, k_stride, count, kc, width, to);
    return;
  }
  for (int64_t i = 0; i < count; i += width) {
    const float *corner = from + i * stride;
    float *panel = to + i * kc;
    int rows = (int)(count - i < width ? count - i : width);
    if (k_stride == 1 && kc >= TK_LANES) {
      NAME(pack_panel_transposed)(corner, stride, rows, kc, width, panel);
      continue;
    }
    for (int64_t k = 0; k < kc; k++)
      for (int r = 0; r < width; r++)
        panel[k * width + r] = r < rows ? corner[r * stride + k * k_stride] : 0;
  }
}

static void NAME(pack_left)(const tk_gemm_args *g, int64_t row, int64_t count, int64_t k,
                            int64_t kc, float *to) {
  const float *corner = g->A + row * g->a_row + k * g->a_column;
  NAME(pack)(corner, g->a_row, g->a_column, count, kc, TK_ROWS, to);
}

static void NAME(pack_right)(const tk_gemm_args *g, int64_t column, int64_t count, int64_t k,
                             int64_t kc, float *to) {
  const float *corner = g->B + k * g->b_row + column * g->b_column;
  NAME(pack)(corner, g->b_column, g->b_row, count, kc, COLUMNS, to);
}

/// The cache blocks of one part: a block of B stays in the second-level cache while A streams by,
/// a panel of A in the first-level cache while B's panels do. When all rows fit one tile, B is
/// packed a panel at a time and used at once, so that the weights stream by once.
static void NAME(gemm)(const tk_gemm_args *all, int part, int parts) {
  tk_gemm_args g = gemm_slice(all, part, parts);
  if (g.M <= 0 || g.N <= 0) return;
  float *right = g.workspace, *left = right + gemm_right_floats;
  int64_t deep = gemm_even_blocks(g.K, gemm_block_depth, 16);
  int64_t most = gemm_right_floats / (deep > 0 ? deep : 1) / COLUMNS * COLUMNS;
  int64_t wide = g.M <= TK_ROWS ? COLUMNS : gemm_even_blocks(g.N, most, COLUMNS);
  int64_t k = 0;
  do {
    int64_t kc = g.K - k < deep ? g.K - k : deep;
    const float *from = k == 0 ? g.from : g.C, *bias = k + kc >= g.K ? g.bias : NULL;
    int64_t from_row = k == 0 ? g.from_row : g.c_row;
    for (int64_t j = 0; j < g.N; j += wide) {
      int64_t columns = g.N - j < wide ? g.N - j : wide;
      NAME(pack_right)(&g, j, columns, k, kc, right);
      for (int64_t i = 0; i < g.M; i += gemm_block_rows) {
        int64_t rows = g.M - i < gemm_block_rows ? g.M - i : gemm_block_rows;
        if (j == 0 || g.M > gemm_block_rows) NAME(pack_left)(&g, i, rows, k, kc, left);
        NAME(block)(rows, columns, kc, left, right, g.C + i * g.c_row + j, g.c_row,
                    from ? from + i * from_row + j : NULL, from_row, bias ? bias + j : NULL);
      }
    }
    k += kc;
  } while (k < g.K);
}

#undef TK_JOIN2
#undef TK_JOIN
#undef NAME
#undef COLUMNS
#undef V
#undef TK_SUFFIX
#undef TK_LANES
#undef TK_ROWS
#undef TK_VECTORS
#undef TK_ZIP_LOW
#undef TK_ZIP_HIGH
