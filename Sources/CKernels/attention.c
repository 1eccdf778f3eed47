// Causal attention over ragged sequences, tile by tile, without a queries × keys matrix.
//
// For every query, over key tiles of 64 from position 0, with running maximum m, sum l, output o:
//   s = scale·(q·k)       one ascending chain over head_dim, then one rounding
//   m' = max(m, max s),   p = exp(s − m'),   α = exp(m − m')
//   l ← l·α + Σ p         16 lanes and the tree
//   o ← o·α, then o ← o + p·v, one ascending chain over the keys that the query sees
// Keys after the query are not read into it. Blocks of queries share a transposed tile of keys;
// what else is in the block, in the call or in other parts never enters a query's arithmetic.
#ifdef TK_SUFFIX
#include "attention_tiles.h"

/// scores → exp(scale·scores − max) of the `visible` first keys, 0 for the others up to `columns`;
/// updates the running maximum and sum, and returns what the output so far must be multiplied by.
TK_INLINE float TK(softmax_tile)(float *scores, int64_t columns, int64_t visible, float scale,
                                 float *max, float *sum) {
  const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const v16 lowest = TK(v_all)(-__builtin_inff());
  v16 s[TILE / 16], top = lowest, total = {};
  for (int64_t j = 0; j < columns; j += 16) {
    i16 seen = lane < (int32_t)(visible - j);
    s[j / 16] = TK(v_select)(seen, TK(v_load)(scores + j) * scale, lowest);
    top = TK(v_max)(top, s[j / 16]);
  }
  float peak = TK(v_max_of)(top);
  if (*max > peak) peak = *max;
  for (int64_t j = 0; j < columns; j += 16) {
    v16 p = TK(v_exp)(s[j / 16] - peak);
    TK(v_store)(scores + j, p);
    total += p;
  }
  float decay = 1;
  if (*max < peak) decay = *max == lowest[0] ? 0 : TK(exp1)(*max - peak);
  *sum = *sum * decay + TK(v_sum)(total);
  *max = peak;
  return decay;
}

/// Cached elements as float32: exact.
TK_INLINE v16 TK(cached16)(const void *cache, int64_t i, const int is_bf16) {
  return is_bf16 ? TK(v_load_bf16)((const uint16_t *)cache + i)
                 : TK(v_load)((const float *)cache + i);
}
static void TK(widen)(const uint16_t *from, int64_t count, float *to) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) TK(v_store)(to + i, TK(v_load_bf16)(from + i));
  for (; i < count; i++) to[i] = TK(from_bf16)(from[i]);
}

/// A tile of keys, 16 of a dimension beside each other, and of values, a row each.
typedef struct {
  const float *keys; int64_t dimension, group;  // strides
  const float *values; int64_t row;
} TK(tile);

/// Tile `first` … of n positions of a kv head, brought into the `scratch` if it does not lie so.
TK_INLINE TK(tile) TK(load_tile)(const tk_attention_args *a, const tk_attention_sequence *s,
                                 int64_t kv_head, int64_t first, int64_t n,
                                 float scratch[2][WIDEST_HEAD * TILE]) {
  const int64_t head_dim = a->head_dim;
  if (a->storage == TK_KEYS_IN_ROWS) {
    const int64_t at = first * a->kv_row + kv_head * head_dim;
    TK(transpose_tile)((const float *)s->k + at, a->kv_row, n, head_dim, scratch[0]);
    return (TK(tile)){scratch[0], TILE, 16, (const float *)s->v + at, a->kv_row};
  }
  const int64_t at = (kv_head * a->capacity + first) * head_dim;
  if (a->storage == TK_CACHE_FLOAT32)
    return (TK(tile)){(const float *)s->k + at, 16, 16 * head_dim, (const float *)s->v + at,
                      head_dim};
  TK(widen)((const uint16_t *)s->k + at, tk_padded(n) * head_dim, scratch[0]);
  TK(widen)((const uint16_t *)s->v + at, n * head_dim, scratch[1]);
  return (TK(tile)){scratch[0], 16, 16 * head_dim, scratch[1], head_dim};
}

/// Queries first ..< first + rows of one head of one sequence.
static void TK(attention_block)(const tk_attention_args *a, const tk_attention_sequence *s,
                                int64_t head, int64_t first, int64_t rows) {
  _Alignas(64) float scratch[2][WIDEST_HEAD * TILE], scores[TK_ROWS * TILE];
  _Alignas(64) float out[QUERIES * WIDEST_HEAD];
  float max[QUERIES], sum[QUERIES];
  const int64_t head_dim = a->head_dim, kv_head = head / (a->heads / a->kv_heads);
  const int64_t start = s->keys - s->queries + first;  // position of the first query
  const float *q = s->q + first * a->q_row + head * head_dim;
  for (int64_t r = 0; r < tk_padded(rows); r++) {
    max[r] = -__builtin_inff();
    sum[r] = 0;
    for (int64_t d = 0; d < head_dim; d += 16) TK(v_store)(out + r * WIDEST_HEAD + d, TK(v_all)(0));
  }
  for (int64_t tile = 0; tile < start + rows; tile += TILE) {
    const int64_t n = tk_least(TILE, start + rows - tile);
    const TK(tile) t = TK(load_tile)(a, s, kv_head, tile, n, scratch);
    for (int64_t r = tk_most(0, tile - start); r < rows; r += TK_ROWS) {
      const int64_t group = tk_least(TK_ROWS, rows - r), seen = start + r + 1 - tile;
      const int64_t columns = tk_padded(tk_least(n, seen + group - 1));
      float *o = out + r * WIDEST_HEAD;
      for (int64_t i = 0; i < group; i++)
        for (int64_t j = 0; j < columns; j += 16)
          TK(v_store)(scores + i * TILE + j, TK(v_all)(0));
      TK(product)(group, columns, head_dim,
                  (TK(chains)){q + r * a->q_row, a->q_row, 1, t.keys, t.dimension, t.group,
                               scores, TILE});
      for (int64_t i = 0; i < group; i++) {
        const float decay = TK(softmax_tile)(scores + i * TILE, columns, tk_least(n, seen + i),
                                             a->scale, &max[r + i], &sum[r + i]);
        if (decay == 1) continue;
        float *row = o + i * WIDEST_HEAD;
        for (int64_t d = 0; d < head_dim; d += 16)
          TK(v_store)(row + d, TK(v_load)(row + d) * decay);
      }
      TK(product_causal)(group, head_dim, tk_least(n, seen), n,
                         (TK(chains)){scores, TILE, 1, t.values, t.row, 16, o, WIDEST_HEAD});
    }
  }
  for (int64_t r = 0; r < rows; r++) {
    float *y = s->out + (first + r) * a->out_row + head * head_dim;
    for (int64_t d = 0; d < head_dim; d += 16)
      TK(v_store_at)(y, d, head_dim, TK(v_load)(out + r * WIDEST_HEAD + d) / sum[r]);
  }
  for (int64_t r = 0; s->lse && r < rows; r += 16) {
    float lse[16];
    TK(v_store)(lse, TK(v_load)(max + r) + TK(v_log)(TK(v_load)(sum + r)));
    for (int64_t i = 0; i < tk_least(16, rows - r); i++)
      s->lse[(first + r + i) * a->heads + head] = lse[i];
  }
}

/// Asks memory for `bytes` from `from` on. A cache is read once a step, in pieces too short for the
/// processor to see them coming.
TK_INLINE void TK(fetch)(const void *from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)from + i, 0, 3);
}

/// scores(j) = Σ_d q(d)·key(j, d) for `groups` groups of 16 keys of a cache, from element `at` on.
/// Meanwhile `ahead` is fetched, as many bytes as are read.
TK_INLINE void TK(decode_scores)(const int groups, const int is_bf16, int64_t head_dim,
                                 const float *q, const void *keys, int64_t at, const char *ahead,
                                 float *scores) {
  const int64_t step = 16 * groups * (is_bf16 ? 2 : 4);
  v16 s[TILE / 16] = {};
  for (int64_t d = 0; d < head_dim; d++) {
    TK(fetch)(ahead + d * step, step);
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++)
      s[g] = TK(v_fma)(TK(v_all)(q[d]), TK(cached16)(keys, at + (g * head_dim + d) * 16, is_bf16),
                       s[g]);
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++) TK(v_store)(scores + 16 * g, s[g]);
}

/// out(d) ← out(d)·decay + Σ_j p(j)·value(j, d) for 16·`groups` dimensions d. Meanwhile `ahead` is
/// fetched, as many bytes as are read.
TK_INLINE void TK(decode_values)(const int groups, const int is_bf16, int64_t head_dim, int64_t n,
                                 const float *p, const void *values, int64_t at, const char *ahead,
                                 float decay, float *out) {
  const int64_t step = 16 * groups * (is_bf16 ? 2 : 4);
  v16 o[4];
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++) o[g] = TK(v_load)(out + 16 * g);
  if (decay != 1)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) o[g] *= decay;
  for (int64_t j = 0; j < n; j++) {
    TK(fetch)(ahead + j * step, step);
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++)
      o[g] = TK(v_fma)(TK(v_all)(p[j]), TK(cached16)(values, at + j * head_dim + 16 * g, is_bf16),
                       o[g]);
  }
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++) TK(v_store)(out + 16 * g, o[g]);
}

/// The only query of a sequence, one head, read from a cache: what attention_block computes, in the
/// same order, without bringing tiles anywhere. head_dim is a multiple of 16; `next` are the keys
/// that will be read after these.
TK_INLINE void TK(decode)(const int is_bf16, const tk_attention_args *a,
                          const tk_attention_sequence *s, int64_t head, const char *next) {
  const int64_t size = is_bf16 ? 2 : 4;
  _Alignas(64) float scores[TILE], out[WIDEST_HEAD];
  const int64_t head_dim = a->head_dim, kv_head = head / (a->heads / a->kv_heads);
  const float *q = s->q + head * head_dim;
  float max = -__builtin_inff(), sum = 0;
  for (int64_t d = 0; d < head_dim; d += 16) TK(v_store)(out + d, TK(v_all)(0));
  for (int64_t tile = 0; tile < s->keys; tile += TILE) {
    const int64_t n = tk_least(TILE, s->keys - tile), columns = tk_padded(n);
    const int64_t at = (kv_head * a->capacity + tile) * head_dim;
    const char *values = (const char *)s->v + at * size, *ahead = next;
    if (tile + TILE < s->keys) ahead = (const char *)s->k + (at + TILE * head_dim) * size;
    switch (columns / 16) {
      case 1: TK(decode_scores)(1, is_bf16, head_dim, q, s->k, at, values, scores); break;
      case 2: TK(decode_scores)(2, is_bf16, head_dim, q, s->k, at, values, scores); break;
      case 3: TK(decode_scores)(3, is_bf16, head_dim, q, s->k, at, values, scores); break;
      default: TK(decode_scores)(4, is_bf16, head_dim, q, s->k, at, values, scores);
    }
    const float decay = TK(softmax_tile)(scores, columns, n, a->scale, &max, &sum);
    int64_t d = 0;
    for (; d + 64 <= head_dim; d += 64, ahead += 64 * n * size)
      TK(decode_values)(4, is_bf16, head_dim, n, scores, s->v, at + d, ahead, decay, out + d);
    for (; d + 32 <= head_dim; d += 32, ahead += 32 * n * size)
      TK(decode_values)(2, is_bf16, head_dim, n, scores, s->v, at + d, ahead, decay, out + d);
    for (; d < head_dim; d += 16, ahead += 16 * n * size)
      TK(decode_values)(1, is_bf16, head_dim, n, scores, s->v, at + d, ahead, decay, out + d);
  }
  float *y = s->out + head * head_dim;
  for (int64_t d = 0; d < head_dim; d += 16) TK(v_store)(y + d, TK(v_load)(out + d) / sum);
  if (s->lse) s->lse[head] = max + TK(log1)(sum);
}

static void TK(decode_float32)(const tk_attention_args *a, const tk_attention_sequence *s,
                               int64_t head, const char *next) {
  TK(decode)(0, a, s, head, next);
}
static void TK(decode_bfloat16)(const tk_attention_args *a, const tk_attention_sequence *s,
                                int64_t head, const char *next) {
  TK(decode)(1, a, s, head, next);
}

/// The keys of the unit that follows (i, head), or its own where none does.
TK_INLINE const char *TK(keys_after)(const tk_attention_args *a, int64_t i, int64_t head) {
  const tk_attention_sequence *s = &a->sequences[i];
  const int64_t share = a->heads / a->kv_heads, size = a->storage == TK_CACHE_BFLOAT16 ? 2 : 4;
  if (head + 1 == a->heads) return i + 1 < a->count ? s[1].k : s->k;
  return (const char *)s->k + (head + 1) / share * a->capacity * a->head_dim * size;
}

static void TK(attention_unit)(const tk_attention_args *a, int64_t i, int64_t head, int64_t first) {
  const tk_attention_sequence *s = &a->sequences[i];
  if (s->queries > 1 || a->storage == TK_KEYS_IN_ROWS || a->head_dim % 16 != 0)
    TK(attention_block)(a, s, head, first, tk_least(QUERIES, s->queries - first));
  else if (a->storage == TK_CACHE_FLOAT32)
    TK(decode_float32)(a, s, head, TK(keys_after)(a, i, head));
  else
    TK(decode_bfloat16)(a, s, head, TK(keys_after)(a, i, head));
}

/// A unit of work is a block of queries of one head; contiguous runs of about equal cost go to the
/// parts.
static void TK(attention)(const void *args, int part, int parts) {
  const tk_attention_args *a = args;
  int64_t total = 0, done = 0;
  for (int64_t i = 0; i < a->count; i++)
    for (int64_t first = 0; first < a->sequences[i].queries; first += QUERIES)
      total += attention_cost(&a->sequences[i], first) * a->heads;
  const int64_t begin = 2 * total * part, end = 2 * total * (part + 1);
  for (int64_t i = 0; i < a->count; i++) {
    const tk_attention_sequence *s = &a->sequences[i];
    for (int64_t head = 0; head < a->heads; head++)
      for (int64_t first = 0; first < s->queries; first += QUERIES) {
        const int64_t cost = attention_cost(s, first), middle = (2 * done + cost) * parts;
        if (middle >= begin && middle < end) TK(attention_unit)(a, i, head, first);
        done += cost;
      }
  }
}

/// A unit of work is a kv head of an entry.
static void TK(cache_store)(const void *args, int part, int parts) {
  const tk_cache_store_args *a = args;
  const int64_t head_dim = a->head_dim;
  int64_t begin, end;
  tk_slice(a->count * a->kv_heads, 1, part, parts, &begin, &end);
  for (int64_t unit = begin; unit < end; unit++) {
    const tk_cache_entry *e = &a->entries[unit / a->kv_heads];
    const int64_t head = unit % a->kv_heads, base = head * a->capacity * head_dim;
    for (int64_t row = 0; row < e->count; row++) {
      const int64_t position = e->position + row, source = row * a->kv_row + head * head_dim;
      const float *k = e->k + source, *v = e->v + source;
      const int64_t key = base + position / 16 * 16 * head_dim + position % 16;
      const int64_t value = base + position * head_dim;
      if (a->storage == TK_CACHE_BFLOAT16) {
        uint16_t *keys = (uint16_t *)e->keys + key, *values = (uint16_t *)e->values + value;
        for (int64_t d = 0; d < head_dim; d++) keys[d * 16] = TK(bf16)(k[d]);
        for (int64_t d = 0; d < head_dim; d++) values[d] = TK(bf16)(v[d]);
      } else {
        float *keys = (float *)e->keys + key, *values = (float *)e->values + value;
        for (int64_t d = 0; d < head_dim; d++) keys[d * 16] = k[d];
        for (int64_t d = 0; d < head_dim; d++) values[d] = v[d];
      }
    }
  }
}

#else
#include "CKernels.h"

enum { QUERIES = 64 };

/// Multiply-adds of a block of queries, but for the factor head_dim.
static int64_t attention_cost(const tk_attention_sequence *s, int64_t first) {
  const int64_t rows = s->queries - first < QUERIES ? s->queries - first : QUERIES;
  return (rows + 1) * (s->keys - s->queries + first + rows / 2 + 1);
}

#define TK_FILE "attention.c"
#include "instances.h"

void tk_attention(const void *args, int part, int parts) {
  TK_DISPATCH(attention, args, part, parts);
}

void tk_cache_store(const void *args, int part, int parts) {
  TK_DISPATCH(cache_store, args, part, parts);
}
#endif
