// Causal attention over sequences of different lengths, tile by tile, without a queries × keys matrix.
//
// For every query, over key tiles of 64 from position 0, with running maximum m, sum l and output o:
//   s = scale·(q·k)       one ascending chain over head_dim, then one rounding
//   m' = max(m, max s),   p = exp(s − m'),   α = exp(m − m')
//   l ← l·α + Σ p         16 lanes and the tree
//   o ← o·α, then o ← o + p·v, one ascending chain over the keys that the query sees
// Keys after the query take no part. Blocks of queries share a transposed tile of keys. The other queries in the block,
// in the call or in other parts never change a query's arithmetic.
//
// An int8 cache stores the codes and the scale of a key (transformed by rotation.h) or of a value. The query is
// quantised too:
//   s = scale·(float(Σ codes)·(scale of q·scale of k)),   o ← o + (p·scale of v)·codes of v
#include "attention_decode.h"

enum { QUERIES = 64 };  // queries in a block

/// Number of multiply-adds of a block of queries, divided by head_dim.
TK_INLINE int64_t attention_cost(const tk_attention_sequence *s, int64_t first) {
  const int64_t rows = s->queries - first < QUERIES ? s->queries - first : QUERIES;
  return (rows + 1) * (s->keys - s->queries + first + rows / 2 + 1);
}

/// A tile of keys, in groups of 16 keys that are adjacent in each dimension, and of values, one row each.
typedef struct {
  const float *keys; int64_t dimension, group;  // strides
  const float *values; int64_t row;
} key_tile;

/// Consecutive positions of a kv head, one row each.
typedef struct { const float *base; int64_t row; } head_rows;

/// Returns n positions of a kv head from `first` on. The first `prefix` positions of the sequence are in `before`, the
/// others in `own`. If the n positions are in both, they are copied to `scratch` [n, head_dim].
TK_INLINE head_rows load_rows(const tk_attention_args *a, int64_t kv_head, int64_t prefix,
                              const float *before, const float *own, int64_t first, int64_t n, float *scratch) {
  const int64_t row = a->kv_row, head_dim = a->head_dim, head = kv_head * head_dim;
  if (first >= prefix) return (head_rows){own + (first - prefix) * row + head, row};
  if (first + n <= prefix) return (head_rows){before + first * row + head, row};
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = first + i;
    const float *from = (at < prefix ? before + at * row : own + (at - prefix) * row) + head;
    __builtin_memcpy(scratch + i * head_dim, from, (size_t)head_dim * sizeof(float));
  }
  return (head_rows){scratch, head_dim};
}

/// Returns the tile of n positions of a kv head from `first` on; copies to the scratch memory if the layout differs.
TK_INLINE key_tile load_tile(const tk_isa isa, const tk_attention_args *a, const tk_attention_sequence *s,
                             int64_t kv_head, int64_t first, int64_t n,
                             float scratch[WIDEST_HEAD * TILE], float copies[WIDEST_HEAD * TILE]) {
  const int64_t head_dim = a->head_dim;
  if (a->storage == TK_KEYS_IN_ROWS) {
    const head_rows k = load_rows(a, kv_head, s->prefix, s->prefix_k, s->k, first, n, copies);
    transpose_tile_on(isa, k.base, k.row, n, head_dim, scratch);
    const head_rows v = load_rows(a, kv_head, s->prefix, s->prefix_v, s->v, first, n, copies);
    return (key_tile){scratch, TILE, 16, v.base, v.row};
  }
  const int64_t at = (kv_head * a->capacity + first) * head_dim;
  return (key_tile){(const float *)s->k + at, 16, 16 * head_dim, (const float *)s->v + at, head_dim};
}

/// Computes queries first ..< first + rows of one head of one sequence.
TK_INLINE void attention_block(const tk_isa isa, const tk_attention_args *a, const tk_attention_sequence *s,
                               int64_t head, int64_t first, int64_t rows) {
  _Alignas(64) float scratch[WIDEST_HEAD * TILE], copies[WIDEST_HEAD * TILE], scores[MOST_ROWS * TILE];
  _Alignas(64) float out[QUERIES * WIDEST_HEAD];
  float max[QUERIES], sum[QUERIES];
  const int64_t head_dim = a->head_dim, kv_head = head / (a->heads / a->kv_heads);
  const int full = register_rows(isa);
  const int64_t start = s->keys - s->queries + first;  // position of the first query
  const float *q = s->q + first * a->q_row + head * head_dim;
  for (int64_t r = 0; r < tk_padded(rows); r++) {
    max[r] = -__builtin_inff();
    sum[r] = 0;
    for (int64_t d = 0; d < head_dim; d += 16) v_store(out + r * WIDEST_HEAD + d, v_all(0));
  }
  for (int64_t tile = 0; tile < start + rows; tile += TILE) {
    const int64_t n = tk_least(TILE, start + rows - tile);
    const key_tile t = load_tile(isa, a, s, kv_head, tile, n, scratch, copies);
    for (int64_t r = tk_most(0, tile - start); r < rows; r += full) {
      const int64_t group = tk_least(full, rows - r), seen = start + r + 1 - tile;
      const int64_t columns = tk_padded(tk_least(n, seen + group - 1));
      float *o = out + r * WIDEST_HEAD;
      for (int64_t i = 0; i < group; i++)
        for (int64_t j = 0; j < columns; j += 16)
          v_store(scores + i * TILE + j, v_all(0));
      product(isa, group, columns, head_dim,
              (chains){q + r * a->q_row, a->q_row, 1, t.keys, t.dimension, t.group, scores, TILE});
      for (int64_t i = 0; i < group; i++) {
        const float decay = softmax_tile(scores + i * TILE, columns, tk_least(n, seen + i),
                                         a->scale, &max[r + i], &sum[r + i]);
        if (decay == 1) continue;
        float *row = o + i * WIDEST_HEAD;
        for (int64_t d = 0; d < head_dim; d += 16)
          v_store(row + d, v_load(row + d) * decay);
      }
      product_causal_on(isa, group, head_dim, tk_least(n, seen), n,
                        (chains){scores, TILE, 1, t.values, t.row, 16, o, WIDEST_HEAD});
    }
  }
  for (int64_t r = 0; r < rows; r++) {
    float *y = s->out + (first + r) * a->out_row + head * head_dim;
    for (int64_t d = 0; d < head_dim; d += 16)
      v_store_at(y, d, head_dim, v_load(out + r * WIDEST_HEAD + d) / sum[r]);
  }
  for (int64_t r = 0; s->lse && r < rows; r += 16) {
    float lse[16];
    v_store(lse, v_load(max + r) + v_log(v_load(sum + r)));
    for (int64_t i = 0; i < tk_least(16, rows - r); i++)
      s->lse[(first + r + i) * a->heads + head] = lse[i];
  }
}

/// A unit of work is a block of queries of one head, or of two heads when decoding. Each part computes a contiguous
/// run of units; the runs have about equal cost.
TK_INLINE void attention(const tk_isa isa, const void *args, int part, int parts) {
  const tk_attention_args *a = args;
  int64_t total = 0, done = 0;
  for (int64_t i = 0; i < a->count; i++)
    for (int64_t first = 0; first < a->sequences[i].queries; first += QUERIES)
      total += attention_cost(&a->sequences[i], first) * a->heads;
  const int64_t begin = 2 * total * part, end = 2 * total * (part + 1);
  const int whole = a->storage == TK_CACHE_FLOAT32 && a->head_dim % 16 == 0;
  for (int64_t i = 0; i < a->count; i++) {
    const tk_attention_sequence *s = &a->sequences[i];
    const int decodes = a->storage == TK_CACHE_INT8 || (whole && s->queries == 1);
    for (int64_t head = 0, heads; head < a->heads; head += heads) {
      heads = decodes ? tk_least(2, a->heads - head) : 1;
      for (int64_t first = 0; first < s->queries; first += QUERIES) {
        const int64_t cost = attention_cost(s, first) * heads, middle = (2 * done + cost) * parts;
        const int64_t rows = tk_least(QUERIES, s->queries - first);
        done += cost;
        if (middle < begin || middle >= end) continue;
        if (!decodes) attention_block(isa, a, s, head, first, rows);
        for (int64_t r = 0; decodes && r < rows; r++) decode_heads(isa, a, i, first + r, head, heads);
      }
    }
  }
}
TK_KERNEL(tk_attention, attention, isa)
