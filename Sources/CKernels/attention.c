// Causal attention over sequences of different lengths, tile by tile, without a queries × keys matrix.
//
// For every query, over key tiles of 64 from position 0, with running maximum m, sum l and output o:
//   s = scale·(q·k)       one ascending chain over head_dim, then one rounding;
//                         or cap·tanh((q·k)·(scale/cap)) with a cap
//   m' = max(m, max s),   p = exp(s − m'),   α = exp(m − m')
//   l ← l·α + Σ p         16 lanes and the tree
//   o ← o·α, then o ← o + p·v, one ascending chain over the keys that the query sees
// Keys after the query and keys before its window take no part; tiles of which it sees no key are skipped. Blocks of
// queries share a transposed tile of keys. The other queries in the block, in the call or in other parts never change a
// query's arithmetic.
//
// An int8 cache stores the codes and the scale of a key (transformed by rotation.h) or of a value. The query is
// quantised too:
//   s = scale·(float(Σ codes)·(scale of q·scale of k)),   o ← o + (p·scale of v)·codes of v
#include "attention_decode.h"

enum { QUERIES = 64 };  // queries in a block

/// Number of multiply-adds of a block of queries, divided by head_dim.
TK_INLINE int64_t attention_cost(const tk_attention_sequence *s, int64_t first, int64_t window) {
  const int64_t rows = s->queries - first < QUERIES ? s->queries - first : QUERIES;
  const int64_t seen = s->keys - s->queries + first + rows / 2 + 1;
  return (rows + 1) * tk_least(seen, window_of(window, s->keys));
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

/// Adds a tile of n keys to the outputs, maxima and sums of `group` consecutive queries. The first query is at
/// `position`, counted from the tile's first key. Every one of the queries sees a key of the tile.
/// `hides` is whether keys of the tile are before the window of a query; it is a constant after inlining.
TK_INLINE void attend_group(const tk_isa isa, const int hides, const tk_attention_args *a, key_tile t, int64_t n,
                            int64_t window, int64_t position, int64_t group, const float *q, float *out, float *max,
                            float *sum) {
  _Alignas(64) float scores[MOST_ROWS * TILE];
  const int64_t head_dim = a->head_dim, width = tk_padded(head_dim), seen = tk_least(n, position + 1);
  const int64_t begin = hides ? hidden_keys(window, position) / 16 * 16 : 0;
  const int64_t columns = tk_padded(tk_least(n, position + group)) - begin;
  const int64_t shared = hides ? hidden_keys(window, position + group - 1) : 0;  // first key that all queries see
  for (int64_t i = 0; i < group; i++)
    for (int64_t j = 0; j < columns; j += 16) v_store(scores + i * TILE + begin + j, v_all(0));
  product(isa, group, columns, head_dim,
          (chains){q, a->q_row, 1, t.keys + begin / 16 * t.group, t.dimension, t.group, scores + begin, TILE});
  for (int64_t i = 0; i < group; i++) {
    float *row = out + i * width;
    const int64_t hidden = hides ? hidden_keys(window, position + i) : 0;
    const float decay = attend_tile(isa, a, scores + i * TILE + begin, columns, hidden - begin,
                                    tk_least(n, position + 1 + i) - begin, &max[i], &sum[i]);
    if (decay != 1)
      for (int64_t d = 0; d < head_dim; d += 16) v_store(row + d, v_load(row + d) * decay);
    if (hidden < shared)
      product(isa, 1, head_dim, shared - hidden,
              (chains){scores + i * TILE + hidden, TILE, 1, t.values + hidden * t.row, t.row, 16, row, width});
  }
  product_causal_on(isa, group, head_dim, seen - shared, n - shared,
                    (chains){scores + shared, TILE, 1, t.values + shared * t.row, t.row, 16, out, width});
}

/// Computes queries first ..< first + rows of one head of one sequence.
TK_INLINE void attention_block(const tk_isa isa, const tk_attention_args *a, const tk_attention_sequence *s,
                               int64_t head, int64_t first, int64_t rows) {
  _Alignas(64) float scratch[WIDEST_HEAD * TILE], copies[WIDEST_HEAD * TILE];
  _Alignas(64) float out[QUERIES * WIDEST_HEAD];
  float max[QUERIES], sum[QUERIES];
  const int64_t head_dim = a->head_dim, width = tk_padded(head_dim), kv_head = head / (a->heads / a->kv_heads);
  // In a group of at most `window` queries, a key after the first query is before the window of none.
  const int64_t window = window_of(a->window, s->keys), full = tk_least(register_rows(isa), window);
  const int64_t start = s->keys - s->queries + first;  // position of the first query
  const float *q = s->q + first * a->q_row + head * head_dim;
  for (int64_t r = 0; r < tk_padded(rows); r++) {
    max[r] = -__builtin_inff();
    sum[r] = 0;
    for (int64_t d = 0; d < head_dim; d += 16) v_store(out + r * width + d, v_all(0));
  }
  for (int64_t tile = hidden_keys(window, start) / 16 * 16, n; tile < start + rows; tile += n) {
    n = tk_least(TILE - tile % TILE, start + rows - tile);
    const key_tile t = load_tile(isa, a, s, kv_head, tile, n, scratch, copies);
    const int64_t end = tk_least(rows, tile + n + window - 1 - start);  // for later queries, the tile is hidden
    const int hides = hidden_keys(window, start + end - 1 - tile) > 0;
#define ATTEND(hides)                                                                                           \
  attend_group(isa, hides, a, t, n, window, start + r - tile, tk_least(full, end - r), q + r * a->q_row, \
               out + r * width, max + r, sum + r)
    for (int64_t r = tk_most(0, tile - start); r < end; r += full)
      if (hides) ATTEND(1);
      else ATTEND(0);
#undef ATTEND
  }
  for (int64_t r = 0; r < rows; r++) {
    float *y = s->out + (first + r) * a->out_row + head * head_dim;
    for (int64_t d = 0; d < head_dim; d += 16)
      v_store_at(y, d, head_dim, v_load(out + r * width + d) / sum[r]);
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
      total += attention_cost(&a->sequences[i], first, a->window) * a->heads;
  const int64_t begin = 2 * total * part, end = 2 * total * (part + 1);
  const int whole = a->storage == TK_CACHE_FLOAT32 && a->head_dim % 16 == 0;
  for (int64_t i = 0; i < a->count; i++) {
    const tk_attention_sequence *s = &a->sequences[i];
    const int decodes = a->storage == TK_CACHE_INT8 || (whole && s->queries == 1);
    for (int64_t head = 0, heads; head < a->heads; head += heads) {
      heads = decodes ? tk_least(2, a->heads - head) : 1;
      for (int64_t first = 0; first < s->queries; first += QUERIES) {
        const int64_t cost = attention_cost(s, first, a->window) * heads, middle = (2 * done + cost) * parts;
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
