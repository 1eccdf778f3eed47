// The gradient of causal attention, computed with the log-sum-exp from the forward pass.
//
//   p = exp(scale·q·k − lse),  dp = dout·v,  D = Σ dout·out,  ds = scale·p·(dp − D)
// or, with a cap and t = tanh(scale·q·k / cap),
//   p = exp(cap·t − lse),  ds = scale·p·(dp − D)·(1 − t²)
//   dv(k) += p·dout(q),  dk(k) += ds·q(q),  dq(q) += ds·k(k)
// Every gradient element is one ascending chain from 0: dq over keys; dk and dv over the query
// heads that share the kv head and, within each head, over queries. A chain begins and ends at multiples
// of 16; within it, a key that a query does not see has the weight 0. Only tiles of 64 × 64 are in memory. Tiles, and
// groups of 16 × 16 in them, are skipped if no query sees a key.
#include "attention_tiles.h"

/// Size of one part's workspace in floats: eight tiles of a head, two of 64 × 64, and D.
TK_INLINE int64_t gradient_floats(int64_t head_dim, int64_t longest) {
  return 8 * TILE * tk_padded(head_dim) + 2 * TILE * TILE + tk_padded(longest);
}

size_t tk_attention_backward_workspace_bytes(int64_t head_dim, int64_t longest_sequence, int parts) {
  return (size_t)gradient_floats(head_dim, longest_sequence) * (size_t)parts * sizeof(float);
}

/// The tiles in one part's workspace. `width` is head_dim rounded up to whole vectors. Rows after the end of the
/// sequence, up to a multiple of 16, and elements beyond head_dim are 0.
typedef struct {
  int64_t width;
  float *keys_across, *values_across;  // [head_dim, TILE]: a key is a column
  float *k, *q, *dout;                 // [TILE, width]
  float *dk, *dv, *dq;                 // [TILE, width]
  float *p, *ds;                       // [queries TILE, keys TILE]
  float *delta;                        // D, [tokens]
} gradient_tiles;

TK_INLINE gradient_tiles gradient_workspace(float *at, int64_t head_dim) {
  gradient_tiles t = {.width = tk_padded(head_dim), .p = at, .ds = at + TILE * TILE};
  at += 2 * TILE * TILE;
  float **const wide[] = {&t.keys_across, &t.values_across, &t.k, &t.q, &t.dout, &t.dk, &t.dv, &t.dq};
  for (int i = 0; i < 8; i++, at += TILE * t.width) *wide[i] = at;
  t.delta = at;
  return t;
}

/// Loads a tile of `rows` rows from x, or fills it with 0 if not `exists`.
TK_INLINE void bring(int exists, const float *x, int64_t x_row, int64_t rows, int64_t head_dim,
                     float *tile) {
  const int64_t width = tk_padded(head_dim);
  for (int64_t r = 0; r < tk_padded(rows); r++)
    for (int64_t d = 0; d < width; d += 16)
      v_store(tile + r * width + d,
              exists && r < rows ? v_load_at(x + r * x_row, d, head_dim, 0) : v_all(0));
}

/// Stores a tile of `rows` rows to x.
TK_INLINE void take(const float *tile, int64_t rows, int64_t head_dim, float *x, int64_t x_row) {
  const int64_t width = tk_padded(head_dim);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t d = 0; d < head_dim; d += 16)
      v_store_at(x + r * x_row, d, head_dim, v_load(tile + r * width + d));
}

/// The operands of C(r, j) += Σ_k A(r, k)·B(k, j), or = if `fresh`.
typedef struct {
  const float *a; int64_t a_row, a_column;
  const float *b; int64_t b_row;
  float *c; int64_t c_row;
  int fresh;
} terms;

/// Computes `rows` × 16·`groups` chains in registers; both numbers are constants after inlining.
TK_INLINE void terms_block(const int rows, const int groups, int64_t inner, terms m) {
  v16 c[8][4];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int g = 0; g < groups; g++)
      c[r][g] = m.fresh ? v_all(0) : v_load(m.c + r * m.c_row + 16 * g);
#pragma clang loop unroll(disable)
  for (int64_t k = 0; k < inner; k++) {
    v16 b[4];
    UNROLL for (int g = 0; g < groups; g++) b[g] = v_load(m.b + k * m.b_row + 16 * g);
    UNROLL for (int r = 0; r < rows; r++) {
      v16 a = v_all(m.a[r * m.a_row + k * m.a_column]);
      UNROLL for (int g = 0; g < groups; g++) c[r][g] = v_fma(a, b[g], c[r][g]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int g = 0; g < groups; g++) v_store(m.c + r * m.c_row + 16 * g, c[r][g]);
}

/// Computes sixteen rows; `columns` is a multiple of 16. Their grouping does not change the result.
TK_INLINE void sixteen_rows(const tk_isa isa, int64_t columns, int64_t inner, terms m) {
  const int full = register_rows(isa);
#define BLOCKS(rows, groups)                                            \
  do {                                                                  \
    terms block = m;                                                    \
    for (int i = 0; i < 16; i += rows) {                                \
      terms_block(rows, groups, inner, block);                          \
      block.a += rows * m.a_row;                                        \
      block.c += rows * m.c_row;                                        \
    }                                                                   \
    columns -= 16 * groups;                                             \
    m.b += 16 * groups;                                                 \
    m.c += 16 * groups;                                                 \
  } while (0)
  while (full == 8 && columns >= 64) BLOCKS(4, 4);
  while (columns >= 32) BLOCKS(full, 2);
  while (columns >= 16) BLOCKS((full > 4 ? full : 4), 1);
#undef BLOCKS
}
TK_INSTANCES(sixteen_rows, (int64_t columns, int64_t inner, terms m), (columns, inner, m), isa)

/// Replaces scores by p, and dp by ds, for one query that sees the keys `hidden` ..< `visible`; both are 0 for the
/// other keys up to `columns`. `capped` is a constant after inlining.
TK_INLINE void gradient_row(const int capped, float *p, float *ds, int64_t columns, int64_t hidden, int64_t visible,
                            float scale, float cap, float lse, float delta) {
  const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const v16 zero = {};
  for (int64_t j = 0; j < columns; j += 16) {
    i16 seen = lane < (int32_t)(visible - j);
    const v16 score = v_load(p + j), t = capped ? v_tanh(score * (scale / cap)) : zero;
    v16 weight = v_exp((capped ? t * cap : score * scale) - lse);
    v16 slope = weight * (v_load(ds + j) - delta) * scale;
    if (capped) slope *= v_fma(-t, t, v_all(1));
    v_store(p + j, v_select(seen, weight, zero));
    v_store(ds + j, v_select(seen, slope, zero));
  }
  for (int64_t j = 0; j < tk_least(hidden, columns); j++) p[j] = ds[j] = 0;
}

/// Adds the gradients of a tile of n keys and a block of `rows` queries. `lse` and `delta` point to the first query. It
/// is at `position`, counted from the tile's first key: a multiple of 16, or at least n.
TK_INLINE void gradient_block(const tk_isa isa, const tk_attention_backward_args *a, const gradient_tiles *t,
                              int64_t n, int64_t rows, int64_t window, int64_t position, const float *lse,
                              const float *delta) {
  const int64_t width = t->width;
  for (int64_t r = 0; r < rows; r += 16) {
    const int64_t begin = hidden_keys(window, position + r) / 16 * 16;
    const int64_t columns = tk_least(tk_padded(n), position + r + 16) - begin;
    if (columns <= 0) break;
    float *p = t->p + r * TILE + begin, *ds = t->ds + r * TILE + begin;
    sixteen_rows_on(isa, columns, a->head_dim,
                    (terms){t->q + r * width, width, 1, t->keys_across + begin, TILE, p, TILE, 1});
    sixteen_rows_on(isa, columns, a->head_dim,
                    (terms){t->dout + r * width, width, 1, t->values_across + begin, TILE, ds, TILE, 1});
    for (int64_t i = 0; i < 16; i++) {
      const int64_t row = tk_least(r + i, rows - 1), hidden = hidden_keys(window, position + r + i) - begin;
      const int64_t seen = r + i >= rows ? 0 : tk_least(n, position + r + i + 1) - begin;
#define ROW(capped)                                                                               \
  gradient_row(capped, p + i * TILE, ds + i * TILE, columns, hidden, seen, a->scale, a->cap, \
               lse[row * a->heads], delta[row])
      if (a->cap > 0) ROW(1);
      else ROW(0);
#undef ROW
    }
    sixteen_rows_on(isa, width, tk_least(n - begin, columns),
                    (terms){ds, TILE, 1, t->k + begin * width, width, t->dq + r * width, width, 0});
  }
  for (int64_t c = 0; c < n; c += 16) {
    const int64_t first = tk_most(0, c - position);
    const int64_t count = tk_least(rows, tk_padded(c + 15 + window - position)) - first;
    if (count <= 0) continue;
    const int64_t at = first * TILE + c;
    sixteen_rows_on(isa, width, count,
                    (terms){t->p + at, 1, TILE, t->dout + first * width, width,
                            t->dv + c * width, width, 0});
    sixteen_rows_on(isa, width, count,
                    (terms){t->ds + at, 1, TILE, t->q + first * width, width,
                            t->dk + c * width, width, 0});
  }
}

/// Computes D of every query of a head.
TK_INLINE void output_products(const tk_attention_backward_args *a, int64_t tokens,
                               const float *out, const float *dout, float *delta) {
  for (int64_t i = 0; i < tokens; i++, out += a->out_row, dout += a->out_row) {
    v16 sum = {};
    for (int64_t d = 0; d < a->head_dim; d += 16)
      sum = v_fma(v_load_at(dout, d, a->head_dim, 0), v_load_at(out, d, a->head_dim, 0),
                  sum);
    delta[i] = v_sum(sum);
  }
}

/// A contiguous run of keys and values, and their gradients.
typedef struct {
  int64_t count;
  const float *k, *v;
  float *dk, *dv;
  int64_t position;  // of the first query, counted from the first key: 0, or at least `count`
  int adds;          // whether to add to dk and dv; else they start at 0
  int continues;     // whether queries that see keys before the first one add to their dq; else dq starts at 0
} key_run;

/// Computes the gradients of one query head and a run of keys.
TK_INLINE void gradient_of_run(const tk_isa isa, const tk_attention_backward_args *a,
                               const tk_attention_backward_sequence *s, int64_t head, const gradient_tiles *t,
                               key_run keys) {
  const int64_t head_dim = a->head_dim, offset = head / (a->heads / a->kv_heads) * head_dim;
  const float *q = s->q + head * head_dim, *dout = s->dout + head * head_dim;
  float *dq = s->dq + head * head_dim;
  const int64_t window = window_of(a->window, s->prefix + s->tokens), position = keys.position;
  for (int64_t tile = hidden_keys(window, position) / TILE * TILE; tile < keys.count; tile += TILE) {
    const int64_t n = tk_least(TILE, keys.count - tile), at = tile * a->kv_row + offset;
    float *dk = keys.dk + tile * a->dkv_row + offset, *dv = keys.dv + tile * a->dkv_row + offset;
    transpose_tile_on(isa, keys.k + at, a->kv_row, n, head_dim, t->keys_across);
    transpose_tile_on(isa, keys.v + at, a->kv_row, n, head_dim, t->values_across);
    bring(1, keys.k + at, a->kv_row, n, head_dim, t->k);
    bring(keys.adds, dk, a->dkv_row, n, head_dim, t->dk);
    bring(keys.adds, dv, a->dkv_row, n, head_dim, t->dv);
    for (int64_t first = tk_most(0, tile - position); first < s->tokens; first += TILE) {
      const int64_t rows = tk_least(TILE, s->tokens - first), hidden = hidden_keys(window, position + first);
      if (hidden >= tile + n) break;
      const int adds = hidden / TILE * TILE < tile || (keys.continues && position + first + 1 < window);
      bring(1, q + first * a->q_row, a->q_row, rows, head_dim, t->q);
      bring(1, dout + first * a->out_row, a->out_row, rows, head_dim, t->dout);
      bring(adds, dq + first * a->dq_row, a->dq_row, rows, head_dim, t->dq);
      gradient_block(isa, a, t, n, rows, window, position + first - tile, s->lse + first * a->heads + head,
                     t->delta + first);
      take(t->dq, rows, head_dim, dq + first * a->dq_row, a->dq_row);
    }
    take(t->dk, n, head_dim, dk, a->dkv_row);
    take(t->dv, n, head_dim, dv, a->dkv_row);
  }
}

TK_INLINE void gradient_of_kv_head(const tk_isa isa, const tk_attention_backward_args *a,
                                   const tk_attention_backward_sequence *s, int64_t kv_head,
                                   const gradient_tiles *t) {
  const int64_t share = a->heads / a->kv_heads;
  for (int64_t head = kv_head * share; head < (kv_head + 1) * share; head++) {
    output_products(a, s->tokens, s->out + head * a->head_dim, s->dout + head * a->head_dim, t->delta);
    if (s->prefix > 0)
      gradient_of_run(isa, a, s, head, t,
                      (key_run){s->prefix, s->prefix_k, s->prefix_v, s->prefix_dk, s->prefix_dv, .position = s->prefix,
                                .adds = 1});
    gradient_of_run(isa, a, s, head, t,
                    (key_run){s->tokens, s->k, s->v, s->dk, s->dv, .adds = head > kv_head * share,
                              .continues = s->prefix > 0});
  }
}

/// Twice the number of keys that the queries see, and an allowance for tiles that are seen in part.
TK_INLINE int64_t gradient_cost(const tk_attention_backward_sequence *s, int64_t window) {
  const int64_t longest = window_of(window, s->prefix + s->tokens);
  const int64_t growing = tk_most(0, longest - s->prefix);  // queries that see every key before them
  return growing * (2 * s->prefix + growing) + (s->tokens - growing) * 2 * longest + s->tokens * TILE;
}

/// A unit of work is one kv head of a whole sequence and of its continuations, in their order, because all of them add
/// to the gradients of its keys. Each part computes a contiguous run of units; the runs have about equal cost.
TK_INLINE void attention_backward(const tk_isa isa, const void *args, int part, int parts) {
  const tk_attention_backward_args *a = args;
  int64_t total = 0, done = 0, longest = 0;
  for (int64_t i = 0; i < a->count; i++) {
    total += gradient_cost(&a->sequences[i], a->window) * a->kv_heads;
    longest = tk_most(longest, a->sequences[i].tokens);
  }
  const gradient_tiles tiles = gradient_workspace(
      (float *)a->workspace + part * gradient_floats(a->head_dim, longest), a->head_dim);
  for (int64_t i = 0, end; i < a->count; i = end) {
    int64_t cost = gradient_cost(&a->sequences[i], a->window);
    for (end = i + 1; end < a->count && a->sequences[end].prefix > 0; end++)
      cost += gradient_cost(&a->sequences[end], a->window);
    for (int64_t kv_head = 0; kv_head < a->kv_heads && cost > 0; kv_head++, done += cost) {
      if ((2 * done + cost) * parts / (2 * total) != part) continue;
      for (int64_t member = i; member < end; member++)
        gradient_of_kv_head(isa, a, &a->sequences[member], kv_head, &tiles);
    }
  }
}
TK_KERNEL(tk_attention_backward, attention_backward, isa)
