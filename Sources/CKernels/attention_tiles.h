// Shared by attention and its gradient: tiles of 64 keys, the window of a query, transposed tiles, and small
// matrix products in which every element is one ascending chain.
#ifndef TINYRLHF_ATTENTION_TILES_H
#define TINYRLHF_ATTENTION_TILES_H
#include "vmath.h"

enum { TILE = 64, WIDEST_HEAD = TK_WIDEST_HEAD, MOST_ROWS = 8 };

/// Number of rows of two v16 that the registers of a set can hold as accumulators.
TK_INLINE int register_rows(const tk_isa isa) { return isa == TK_AVX512 ? MOST_ROWS : 2; }

/// n rounded up to whole vectors of 16.
TK_INLINE int64_t tk_padded(int64_t n) { return (n + 15) / 16 * 16; }

/// The window of the queries of `keys` positions. A window of all keys hides nothing, hence it also stands for none.
TK_INLINE int64_t window_of(int64_t window, int64_t keys) { return window > 0 ? tk_least(window, keys) : keys; }

/// Number of keys from position 0 on that are before the window of the query at `position`. Both positions may count
/// from any key on, instead of from the first.
TK_INLINE int64_t hidden_keys(int64_t window, int64_t position) { return tk_most(0, position + 1 - window); }

// One step of a 16×16 transposition: exchanges the off-diagonal blocks of `step` elements.
#define TK_EXCHANGE(x, step, upper, lower)                                     \
  UNROLL for (int i = 0; i < 16; i++)              \
    if (!(i & step)) {                                                         \
      v16 a = x[i], b = x[i + step];                                           \
      x[i] = __builtin_shufflevector(a, b, TK_LANES upper);                    \
      x[i + step] = __builtin_shufflevector(a, b, TK_LANES lower);             \
    }
#define TK_LANES(...) __VA_ARGS__

TK_INLINE void transpose16(v16 x[16]) {
  TK_EXCHANGE(x, 8, (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
              (8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
  TK_EXCHANGE(x, 4, (0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
              (4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31))
  TK_EXCHANGE(x, 2, (0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
              (2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))
  TK_EXCHANGE(x, 1, (0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
              (1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))
}

/// y[d*TILE + i] = x(i, d) for i < rows and d < columns, both at most 16; 0 for the other i < 16.
TK_INLINE void transpose_corner(const float *x, int64_t x_row, int64_t rows, int64_t columns,
                                float *y) {
  for (int64_t d = 0; d < columns; d++) {
    v_store(y + d * TILE, v_all(0));
    for (int64_t i = 0; i < rows; i++) y[d * TILE + i] = x[i * x_row + d];
  }
}

/// y[d*TILE + i] = x(i, d) for i < n rows of x; the rows up to the next multiple of 16 are zero.
TK_INLINE void transpose_tile(const float *x, int64_t x_row, int64_t n, int64_t head_dim,
                              float *y) {
  for (int64_t i = 0; i < n; i += 16)
    for (int64_t d = 0; d < head_dim; d += 16) {
      const int64_t rows = tk_least(16, n - i), columns = tk_least(16, head_dim - d);
      const float *from = x + i * x_row + d;
      float *to = y + d * TILE + i;
      if (columns < 16) {
        transpose_corner(from, x_row, rows, columns, to);
        continue;
      }
      v16 t[16];
      UNROLL for (int l = 0; l < 16; l++)  // rows past the end read the last one, masked to 0
        t[l] = v_load(from + tk_least(l, rows - 1) * x_row);
      if (rows < 16)
        UNROLL for (int l = 0; l < 16; l++)
          if (l >= rows) t[l] = v_all(0);
      transpose16(t);
      UNROLL for (int l = 0; l < 16; l++) v_store(to + l * TILE, t[l]);
    }
}

TK_INSTANCES(transpose_tile, (const float *x, int64_t x_row, int64_t n, int64_t head_dim, float *y),
             (x, x_row, n, head_dim, y))

#undef TK_EXCHANGE
#undef TK_LANES

/// The operands of C(r, j) += Σ_k A(r, k)·B(k, j). B's columns are in groups of 16, `b_group` elements apart.
typedef struct {
  const float *a; int64_t a_row, a_column;
  const float *b; int64_t b_row, b_group;
  float *c; int64_t c_row;
} chains;

/// Computes `rows` × 16·`groups` chains in registers; both numbers are constants after inlining. Row r has
/// `inner` + min(r, `triangle`) terms.
TK_INLINE void chain_block(const int rows, const int groups, int64_t inner, int64_t triangle,
                           chains m) {
  v16 c[MOST_ROWS][4];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int g = 0; g < groups; g++) c[r][g] = v_load(m.c + r * m.c_row + 16 * g);
#pragma clang loop unroll(disable)
  for (int64_t k = 0; k < inner; k++, m.b += m.b_row, m.a += m.a_column) {
    v16 b[4];
    UNROLL for (int g = 0; g < groups; g++) b[g] = v_load(m.b + g * m.b_group);
    UNROLL for (int r = 0; r < rows; r++) {
      v16 a = v_all(m.a[r * m.a_row]);
      UNROLL for (int g = 0; g < groups; g++) c[r][g] = v_fma(a, b[g], c[r][g]);
    }
  }
  UNROLL for (int k = 0; k < rows - 1; k++) {
    if (k >= triangle) break;
    UNROLL for (int r = k + 1; r < rows; r++) {
      v16 a = v_all(m.a[r * m.a_row + k * m.a_column]);
      UNROLL for (int g = 0; g < groups; g++)
        c[r][g] = v_fma(a, v_load(m.b + k * m.b_row + g * m.b_group), c[r][g]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int g = 0; g < groups; g++) v_store(m.c + r * m.c_row + 16 * g, c[r][g]);
}

/// Computes the last `columns` < 16 elements of one row.
TK_INLINE void chain_tail(int64_t columns, int64_t inner, chains m) {
  v16 c = v_load_first(m.c, columns, 0);
  for (int64_t k = 0; k < inner; k++)
    c = v_fma(v_all(m.a[k * m.a_column]),
              v_load_first(m.b + k * m.b_row, columns, 0), c);
  v_store_first(m.c, columns, c);
}

/// C += A·B where row r has `inner` + r terms, but at most `most`: each of consecutive queries sees one key more than
/// the query before, within a tile of `most` keys. The grouping of rows and columns does not change the result.
TK_INLINE void product_causal(const tk_isa isa, int64_t rows, int64_t columns, int64_t inner,
                              int64_t most, chains m) {
  const int full = register_rows(isa);
#define COLUMNS(rows, groups)                                                            \
  for (; columns - j >= 16 * groups; j += 16 * groups, n.b += groups * n.b_group, n.c += 16 * groups) \
  chain_block(rows, groups, inner, most - inner, n)
  while (rows > 0) {
    chains n = m;
    int64_t j = 0, done = 1;
    if (rows >= full) {
      done = full;
      COLUMNS(full, 2);
      COLUMNS(full, 1);
    } else if (full > 4 && rows >= 4) {
      done = 4;
      COLUMNS(4, 4);
      COLUMNS(4, 2);
      COLUMNS(4, 1);
    } else if (full > 2 && rows >= 2) {
      done = 2;
      COLUMNS(2, 4);
      COLUMNS(2, 2);
      COLUMNS(2, 1);
    } else {
      COLUMNS(1, 4);
      COLUMNS(1, 2);
      COLUMNS(1, 1);
    }
    for (int64_t r = 0; j < columns && r < done; r++, n.a += n.a_row, n.c += n.c_row)
      chain_tail(columns - j, tk_least(inner + r, most), n);
    rows -= done;
    inner = tk_least(inner + done, most);
    m.a += done * m.a_row;
    m.c += done * m.c_row;
  }
#undef COLUMNS
}
TK_INSTANCES(product_causal, (int64_t rows, int64_t columns, int64_t inner, int64_t most, chains m),
             (rows, columns, inner, most, m), isa)

/// C += A·B.
TK_INLINE void product(const tk_isa isa, int64_t rows, int64_t columns, int64_t inner, chains m) {
  product_causal_on(isa, rows, columns, inner, inner, m);
}

#endif
