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

// Decoding: the only query of a sequence reads its cache, what attention_block computes in the same
// order, without bringing tiles anywhere. Two heads at a time, so that there are chains enough to
// keep the multipliers busy. head_dim is a multiple of 16.

/// What one head of the query reads and makes.
typedef struct {
  const float *q;
  const char *keys, *values;  // of its kv head
  const char *next;           // keys that will be read after these
  float *y, *lse;
  float max, sum;
  _Alignas(64) float scores[TILE];
  _Alignas(64) float out[WIDEST_HEAD];
} TK(decoding);

/// scores(j) = Σ_d q(d)·key(j, d) for `groups` groups of 16 keys from `tile` on. Meanwhile as many
/// bytes of the tile's values are fetched.
TK_INLINE void TK(decode_scores)(const int heads, const int groups, const int is_bf16,
                                 int64_t head_dim, int64_t tile, TK(decoding) *h) {
  const int64_t size = is_bf16 ? 2 : 4, first = tile * head_dim, step = 16 * groups;
  v16 s[2][TILE / 16] = {};
  for (int64_t d = 0; d < head_dim; d++)
#pragma clang loop unroll(full)
    for (int i = 0; i < heads; i++) {
      TK(fetch)(h[i].values + (first + d * step) * size, step * size);
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; g++)
        s[i][g] = TK(v_fma)(TK(v_all)(h[i].q[d]),
                            TK(cached16)(h[i].keys, first + (g * head_dim + d) * 16, is_bf16),
                            s[i][g]);
    }
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) TK(v_store)(h[i].scores + 16 * g, s[i][g]);
}

/// out(d) ← out(d)·decay + Σ_j p(j)·value(j, d) for the n keys from `tile` on and 16·`groups`
/// dimensions from `first` on. Meanwhile as many bytes are fetched from `ahead`.
TK_INLINE void TK(decode_values)(const int heads, const int groups, const int is_bf16,
                                 int64_t head_dim, int64_t tile, int64_t n, int64_t first,
                                 const float *decay, const char *const *ahead, TK(decoding) *h) {
  const int64_t size = is_bf16 ? 2 : 4, step = 16 * groups;
  v16 o[2][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) {
      o[i][g] = TK(v_load)(h[i].out + first + 16 * g);
      if (decay[i] != 1) o[i][g] *= decay[i];
    }
  for (int64_t j = 0; j < n; j++)
#pragma clang loop unroll(full)
    for (int i = 0; i < heads; i++) {
      TK(fetch)(ahead[i] + (first * n + j * step) * size, step * size);
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; g++)
        o[i][g] = TK(v_fma)(TK(v_all)(h[i].scores[j]),
                            TK(cached16)(h[i].values, (tile + j) * head_dim + first + 16 * g,
                                         is_bf16),
                            o[i][g]);
    }
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) TK(v_store)(h[i].out + first + 16 * g, o[i][g]);
}

TK_INLINE void TK(decode)(const int heads, const int is_bf16, const tk_attention_args *a,
                          const tk_attention_sequence *s, TK(decoding) *h) {
  const int64_t head_dim = a->head_dim, size = is_bf16 ? 2 : 4;
  for (int i = 0; i < heads; i++) {
    h[i].max = -__builtin_inff();
    h[i].sum = 0;
    for (int64_t d = 0; d < head_dim; d += 16) TK(v_store)(h[i].out + d, TK(v_all)(0));
  }
  for (int64_t tile = 0; tile < s->keys; tile += TILE) {
    const int64_t n = tk_least(TILE, s->keys - tile), columns = tk_padded(n);
    switch (columns / 16) {
      case 1: TK(decode_scores)(heads, 1, is_bf16, head_dim, tile, h); break;
      case 2: TK(decode_scores)(heads, 2, is_bf16, head_dim, tile, h); break;
      case 3: TK(decode_scores)(heads, 3, is_bf16, head_dim, tile, h); break;
      default: TK(decode_scores)(heads, 4, is_bf16, head_dim, tile, h);
    }
    float decay[2];
    const char *ahead[2];
    for (int i = 0; i < heads; i++) {
      decay[i] = TK(softmax_tile)(h[i].scores, columns, n, a->scale, &h[i].max, &h[i].sum);
      ahead[i] = tile + TILE < s->keys ? h[i].keys + (tile + TILE) * head_dim * size : h[i].next;
    }
    int64_t d = 0;
    for (; d + 64 <= head_dim; d += 64)
      TK(decode_values)(heads, 4, is_bf16, head_dim, tile, n, d, decay, ahead, h);
    for (; d + 32 <= head_dim; d += 32)
      TK(decode_values)(heads, 2, is_bf16, head_dim, tile, n, d, decay, ahead, h);
    for (; d < head_dim; d += 16)
      TK(decode_values)(heads, 1, is_bf16, head_dim, tile, n, d, decay, ahead, h);
  }
  for (int i = 0; i < heads; i++) {
    for (int64_t d = 0; d < head_dim; d += 16)
      TK(v_store)(h[i].y + d, TK(v_load)(h[i].out + d) / h[i].sum);
    if (h[i].lse) *h[i].lse = h[i].max + TK(log1)(h[i].sum);
  }
}

#define DECODE(name, heads, is_bf16)                                               \
  static void TK(name)(const tk_attention_args *a, const tk_attention_sequence *s, \
                       TK(decoding) *h) {                                          \
    TK(decode)(heads, is_bf16, a, s, h);                                           \
  }
DECODE(decode_one, 1, 0)
DECODE(decode_two, 2, 0)
DECODE(decode_one_bfloat16, 1, 1)
DECODE(decode_two_bfloat16, 2, 1)
#undef DECODE

/// `count` heads, one or two, of sequence i. What is read after them are the heads that follow, or
/// the next sequence's first.
static void TK(decode_heads)(const tk_attention_args *a, int64_t i, int64_t head, int64_t count) {
  const tk_attention_sequence *s = &a->sequences[i];
  const int is_bf16 = a->storage == TK_CACHE_BFLOAT16;
  const int64_t share = a->heads / a->kv_heads;
  const int64_t plane = a->capacity * a->head_dim * (is_bf16 ? 2 : 4);
  TK(decoding) h[2];
  for (int64_t c = 0; c < count; c++) {
    const int64_t own = head + c, kv = own / share * plane;
    h[c].q = s->q + own * a->head_dim;
    h[c].keys = (const char *)s->k + kv;
    h[c].values = (const char *)s->v + kv;
    h[c].next = h[c].keys;
    if (own + count < a->heads) h[c].next = (const char *)s->k + (own + count) / share * plane;
    else if (i + 1 < a->count) h[c].next = (const char *)s[1].k + c / share * plane;
    h[c].y = s->out + own * a->head_dim;
    h[c].lse = s->lse ? s->lse + own : NULL;
  }
  if (is_bf16) (count == 2 ? TK(decode_two_bfloat16) : TK(decode_one_bfloat16))(a, s, h);
  else (count == 2 ? TK(decode_two) : TK(decode_one))(a, s, h);
}

/// A unit of work is a block of queries of one head, or two heads of a query that decodes;
/// contiguous runs of about equal cost go to the parts.
static void TK(attention)(const void *args, int part, int parts) {
  const tk_attention_args *a = args;
  int64_t total = 0, done = 0;
  for (int64_t i = 0; i < a->count; i++)
    for (int64_t first = 0; first < a->sequences[i].queries; first += QUERIES)
      total += attention_cost(&a->sequences[i], first) * a->heads;
  const int64_t begin = 2 * total * part, end = 2 * total * (part + 1);
  const int cached = a->storage != TK_KEYS_IN_ROWS && a->head_dim % 16 == 0;
  for (int64_t i = 0; i < a->count; i++) {
    const tk_attention_sequence *s = &a->sequences[i];
    const int decodes = cached && s->queries == 1;
    for (int64_t head = 0, heads; head < a->heads; head += heads) {
      heads = decodes ? tk_least(2, a->heads - head) : 1;
      for (int64_t first = 0; first < s->queries; first += QUERIES) {
        const int64_t cost = attention_cost(s, first) * heads, middle = (2 * done + cost) * parts;
        done += cost;
        if (middle < begin || middle >= end) continue;
        if (decodes) TK(decode_heads)(a, i, head, heads);
        else TK(attention_block)(a, s, head, first, tk_least(QUERIES, s->queries - first));
      }
    }
  }
}

/// One position of a head: its key across the group, its value along the row.
TK_INLINE void TK(store_position)(const int is_bf16, int64_t head_dim, const float *k,
                                  const float *v, void *keys, void *values) {
  for (int64_t d = 0; d < head_dim; d += 16) {
    const int64_t n = tk_least(16, head_dim - d);
    const v16 key = TK(v_load_at)(k, d, head_dim, 0), value = TK(v_load_at)(v, d, head_dim, 0);
    if (is_bf16) {
      const TK(h16) short_key = TK(v_bf16)(key), short_value = TK(v_bf16)(value);
      for (int64_t i = 0; i < n; i++) ((uint16_t *)keys)[(d + i) * 16] = short_key[i];
      __builtin_memcpy((uint16_t *)values + d, &short_value, (size_t)n * 2);
    } else {
      for (int64_t i = 0; i < n; i++) ((float *)keys)[(d + i) * 16] = key[i];
      TK(v_store_at)(values, d, head_dim, value);
    }
  }
}

/// A unit of work is a kv head of an entry.
static void TK(cache_store)(const void *args, int part, int parts) {
  const tk_cache_store_args *a = args;
  const int is_bf16 = a->storage == TK_CACHE_BFLOAT16;
  const int64_t head_dim = a->head_dim, size = is_bf16 ? 2 : 4;
  int64_t begin, end;
  tk_slice(a->count * a->kv_heads, 1, part, parts, &begin, &end);
  for (int64_t unit = begin; unit < end; unit++) {
    const tk_cache_entry *e = &a->entries[unit / a->kv_heads];
    const int64_t head = unit % a->kv_heads, base = head * a->capacity * head_dim;
    for (int64_t row = 0; row < e->count; row++) {
      const int64_t position = e->position + row, source = row * a->kv_row + head * head_dim;
      const int64_t key = base + position / 16 * 16 * head_dim + position % 16;
      void *keys = (char *)e->keys + key * size;
      void *values = (char *)e->values + (base + position * head_dim) * size;
      if (is_bf16) TK(store_position)(1, head_dim, e->k + source, e->v + source, keys, values);
      else TK(store_position)(0, head_dim, e->k + source, e->v + source, keys, values);
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
