// A tile of C that stays in registers for all k. Vectors hold columns of C, so every element has its own
// chain, and the shape of the tile does not change the bits.
#ifndef TINYRLHF_GEMM_TILE_H
#define TINYRLHF_GEMM_TILE_H
#include "isa.h"

#if defined(__aarch64__)
typedef float tile_vector __attribute__((vector_size(16), aligned(4)));
enum { VECTOR = 4, MOST_ROWS = 8, MOST_VECTORS = 3 };
#else
typedef v16 tile_vector;  // two registers in AVX2
enum { VECTOR = 16, MOST_ROWS = 12, MOST_VECTORS = 2 };
#endif
enum { MOST_COLUMNS = MOST_VECTORS * VECTOR };

/// Number of rows in a tile. It divides MOST_ROWS, and the number of vectors divides MOST_VECTORS.
TK_INLINE int tile_rows(const tk_isa isa) {
  return isa == TK_AVX512 ? 12 : isa == TK_AVX2 ? 6 : isa == TK_NEON ? 8 : 0;
}
/// Vectors across a tile.
TK_INLINE int tile_vectors(const tk_isa isa) {
  return isa == TK_AVX512 ? 2 : isa == TK_AVX2 ? 1 : 3;
}
TK_INLINE int tile_columns(const tk_isa isa) { return tile_vectors(isa) * VECTOR; }

/// C[rows, columns] = from + a[kc, tile rows]ᵀ · b[kc, columns], then + bias. `from` may be NULL for
/// zeros. `rows` is a constant at every call, so that the accumulators are in registers.
TK_INLINE void tile_of(const tk_isa isa, const int rows, int64_t kc, const float *a, const float *b,
                       float *c, int64_t c_row, const float *from, int64_t from_row, const float *bias) {
  const int vectors = tile_vectors(isa);
  tile_vector sum[MOST_ROWS][MOST_VECTORS];
  UNROLL for (int m = 0; m < rows; m++)
    UNROLL for (int v = 0; v < vectors; v++)
      sum[m][v] = from ? *(const tile_vector *)(from + m * from_row + v * VECTOR) : (tile_vector){0};
  // Its place in a cache line is fixed, because it changes the speed by a few percent; else every change of the program
  // would move it.
  [[clang::code_align(64)]] for (int64_t k = 0; k < kc; k++, a += tile_rows(isa), b += tile_columns(isa)) {
    tile_vector right[MOST_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) right[v] = *(const tile_vector *)(b + v * VECTOR);
    UNROLL for (int m = 0; m < rows; m++) {
      tile_vector left = a[m] - (tile_vector){0};  // to every lane; adding 0 would lose the sign of −0
      UNROLL for (int v = 0; v < vectors; v++)
        sum[m][v] = __builtin_elementwise_fma(left, right[v], sum[m][v]);
    }
  }
  UNROLL for (int m = 0; m < rows; m++)
    UNROLL for (int v = 0; v < vectors; v++) {
      if (bias) sum[m][v] += *(const tile_vector *)(bias + v * VECTOR);
      *(tile_vector *)(c + m * c_row + v * VECTOR) = sum[m][v];
    }
}

/// Calls tile_of with the number of rows as a constant.
TK_INLINE void tile(const tk_isa isa, int rows, int64_t kc, const float *a, const float *b, float *c,
                    int64_t c_row, const float *from, int64_t from_row, const float *bias) {
#define TILE(n)                                                                                \
  case n:                                                                                      \
    if (n <= tile_rows(isa)) tile_of(isa, n, kc, a, b, c, c_row, from, from_row, bias);        \
    break;
  switch (rows) {
    TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
    TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
  }
#undef TILE
}
TK_INSTANCES(tile,
             (int rows, int64_t kc, const float *a, const float *b, float *c, int64_t c_row,
              const float *from, int64_t from_row, const float *bias),
             (rows, kc, a, b, c, c_row, from, from_row, bias), isa)

/// Computes a tile that extends beyond the last column, in a copy of full width.
TK_INLINE void edge_tile(const tk_isa isa, int rows, int columns, int64_t kc, const float *a,
                         const float *b, float *c, int64_t c_row, const float *from, int64_t from_row,
                         const float *bias) {
  const int64_t across = tile_columns(isa);
  const size_t bytes = (size_t)columns * sizeof(float);
  float copy[MOST_ROWS * MOST_COLUMNS], wide_bias[MOST_COLUMNS];
  __builtin_memset(copy, 0, (size_t)(tile_rows(isa) * across) * sizeof(float));
  __builtin_memset(wide_bias, 0, (size_t)across * sizeof(float));
  for (int m = 0; m < rows && from; m++)
    __builtin_memcpy(copy + m * across, from + m * from_row, bytes);
  if (bias) __builtin_memcpy(wide_bias, bias, bytes);
  tile_on(isa, rows, kc, a, b, copy, across, from ? copy : NULL, across, bias ? wide_bias : NULL);
  for (int m = 0; m < rows; m++) __builtin_memcpy(c + m * c_row, copy + m * across, bytes);
}

/// Multiplies one packed block of A by one packed block of B.
TK_INLINE void block(const tk_isa isa, int64_t rows, int64_t columns, int64_t kc, const float *a,
                     const float *b, float *c, int64_t c_row, const float *from, int64_t from_row,
                     const float *bias) {
  const int most = tile_rows(isa), across = tile_columns(isa);
  for (int64_t i = 0; i < rows; i += most) {
    int height = (int)(rows - i < most ? rows - i : most);
    for (int64_t j = 0; j < columns; j += across) {
      int64_t width = columns - j;
      float *corner = c + i * c_row + j;
      const float *its_from = from ? from + i * from_row + j : NULL;
      const float *its_bias = bias ? bias + j : NULL;
      if (width >= across)
        tile_on(isa, height, kc, a + i * kc, b + j * kc, corner, c_row, its_from, from_row, its_bias);
      else
        edge_tile(isa, height, (int)width, kc, a + i * kc, b + j * kc, corner, c_row, its_from,
                  from_row, its_bias);
    }
  }
}

#endif
