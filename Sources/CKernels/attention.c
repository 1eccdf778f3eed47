// Causal attention over ragged sequences, tile by tile, without a queries × keys matrix.
//
// For every query, over key tiles of 64 from position 0, with running maximum m, sum l, output o:
//   s = scale·(q·k)       one ascending chain over head_dim, then one rounding
//   m' = max(m, max s),   p = exp(s − m'),   α = exp(m − m')
//   l ← l·α + Σ p         16 lanes and the tree
//   o ← o·α, then o ← o + p·v, one ascending chain over the keys that the query sees
// Keys after the query are not read into it. Blocks of queries share a transposed tile of keys;
// what else is in the block, in the call or in other parts never enters a query's arithmetic.
//
// A cache of int8 keeps the codes of a key (as rotation.h prepares it), or of a value, with their scale, and
// quantises the query too:
//   s = scale·(float(Σ codes)·(scale of q·scale of k)),   o ← o + (p·scale of v)·codes of v
#ifdef TK_SUFFIX
#include "attention_tiles.h"
#include "int8_row.h"
#include "rotation.h"

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

/// A tile of keys, 16 of a dimension beside each other, and of values, a row each.
typedef struct {
  const float *keys; int64_t dimension, group;  // strides
  const float *values; int64_t row;
} TK(tile);

/// Tile `first` … of n positions of a kv head, brought into the `scratch` if it does not lie so.
TK_INLINE TK(tile) TK(load_tile)(const tk_attention_args *a, const tk_attention_sequence *s,
                                 int64_t kv_head, int64_t first, int64_t n,
                                 float scratch[WIDEST_HEAD * TILE]) {
  const int64_t head_dim = a->head_dim;
  if (a->storage == TK_KEYS_IN_ROWS) {
    const int64_t at = first * a->kv_row + kv_head * head_dim;
    TK(transpose_tile)((const float *)s->k + at, a->kv_row, n, head_dim, scratch);
    return (TK(tile)){scratch, TILE, 16, (const float *)s->v + at, a->kv_row};
  }
  const int64_t at = (kv_head * a->capacity + first) * head_dim;
  return (TK(tile)){(const float *)s->k + at, 16, 16 * head_dim, (const float *)s->v + at, head_dim};
}

/// Queries first ..< first + rows of one head of one sequence.
static void TK(attention_block)(const tk_attention_args *a, const tk_attention_sequence *s,
                                int64_t head, int64_t first, int64_t rows) {
  _Alignas(64) float scratch[WIDEST_HEAD * TILE], scores[TK_ROWS * TILE];
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

// Decoding: a query reads its sequence's cache where it lies, in groups of 16 positions. From float32
// that is what attention_block computes, in the same order. Two heads at a time, so that there are
// chains enough to keep the multipliers busy.

/// to = R·(x ∘ factors) of a kv head, or R·(x ∘ 1/factors): a key, or a query that meets it.
TK_INLINE void TK(prepare_head)(const float *x, const float *factors, int64_t kv_head, const int divides,
                                int64_t head_dim, float *to) {
  if (factors) {
    TK(prepare)(x, factors + kv_head * head_dim, divides, head_dim, to);
    return;
  }
  for (int64_t d = 0; d < head_dim; d += 16) TK(v_store_at)(to, d, head_dim, TK(v_load_at)(x, d, head_dim, 0));
  TK(rotate)(to, head_dim);
}

/// What one head of the query reads and makes.
typedef struct {
  const char *keys, *values;  // of its kv head
  const char *next;           // keys that will be read after these
  float *y, *lse;
  float max, sum;
  const float *q;                           // from float32
  float scale;                              // from int8: of the query's codes,
  int32_t start;                            // where the sums begin,
  _Alignas(64) int8_t codes[WIDEST_HEAD];   // and the codes
  _Alignas(64) float scores[TILE];
  _Alignas(64) float out[WIDEST_HEAD];
} TK(decoding);

/// scores(j) = q·key(j) for `groups` groups of 16 keys at `keys`, `bytes` from group to group.
/// Meanwhile the tile's `values` are fetched.
TK_INLINE void TK(decode_scores)(const int heads, const int groups, int64_t head_dim, int64_t at,
                                 int64_t bytes, TK(decoding) *h) {
  v16 s[2][TILE / 16] = {};
  for (int64_t d = 0; d < head_dim; d++)
#pragma clang loop unroll(full)
    for (int i = 0; i < heads; i++) {
      TK(fetch)(h[i].values + at + d * groups * 64, groups * 64);
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; g++)
        s[i][g] = TK(v_fma)(TK(v_all)(h[i].q[d]),
                            TK(v_load)((const float *)(h[i].keys + at + g * bytes) + d * 16),
                            s[i][g]);
    }
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) TK(v_store)(h[i].scores + 16 * g, s[i][g]);
}
TK_INLINE void TK(decode_scores_int8)(const int heads, const int groups, int64_t depth, int64_t at,
                                      int64_t bytes, TK(decoding) *h) {
  i16 s[2][TILE / 16];
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) {
      s[i][g] = (i16){} + h[i].start;
      TK(fetch)(h[i].values + at + g * bytes, SCALES);
    }
  for (int64_t d = 0; d < depth; d += 4)
#pragma clang loop unroll(full)
    for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; g++) {
        const int64_t line = at + g * bytes + SCALES + d * 16;
        TK(fetch)(h[i].values + line, 64);
        s[i][g] = TK(key_dot)(s[i][g], (const int8_t *)h[i].keys + line, h[i].codes + d);
      }
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) {
      const v16 scales = TK(v_load)((const float *)(h[i].keys + at + g * bytes)) * h[i].scale;
      TK(v_store)(h[i].scores + 16 * g, __builtin_convertvector(s[i][g], v16) * scales);
    }
}

TK_INLINE v16 TK(cached16)(const char *row, int64_t d, const int is_int8) {
  typedef int8_t c16 __attribute__((vector_size(16), aligned(1)));
  if (!is_int8) return TK(v_load)((const float *)row + d);
  return __builtin_convertvector(__builtin_convertvector(*(const c16 *)(row + d), i16), v16);
}

/// out(d) ← out(d)·decay + Σ_j p(j)·value(j, d) for the n rows from `at` on and 16·`groups`
/// dimensions from `first` on. Meanwhile as many bytes are fetched from `ahead`.
TK_INLINE void TK(decode_values)(const int heads, const int groups, const int is_int8, int64_t row,
                                 int64_t at, int64_t bytes, int64_t n, int64_t first,
                                 const float *decay, const char *const *ahead, TK(decoding) *h) {
  const int64_t step = 16 * groups * (is_int8 ? 1 : 4);
  v16 o[2][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) {
      o[i][g] = TK(v_load)(h[i].out + first + 16 * g);
      if (decay[i] != 1) o[i][g] *= decay[i];
    }
  for (int64_t j = 0; j < n; j++) {
    const int64_t place = at + j / 16 * bytes + (is_int8 ? SCALES : 0) + j % 16 * row;
#pragma clang loop unroll(full)
    for (int i = 0; i < heads; i++) {
      TK(fetch)(ahead[i] + first * n * (is_int8 ? 1 : 4) + j * step, step);
#pragma clang loop unroll(full)
      for (int g = 0; g < groups; g++)
        o[i][g] = TK(v_fma)(TK(v_all)(h[i].scores[j]),
                            TK(cached16)(h[i].values + place, first + 16 * g, is_int8), o[i][g]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < heads; i++)
#pragma clang loop unroll(full)
    for (int g = 0; g < groups; g++) TK(v_store)(h[i].out + first + 16 * g, o[i][g]);
}

/// One query at position keys − 1.
TK_INLINE void TK(decode)(const int heads, const int is_int8, const tk_attention_args *a,
                          int64_t keys, TK(decoding) *h) {
  const int64_t depth = tk_padded(a->head_dim), row = depth * (is_int8 ? 1 : 4);
  const int64_t bytes = (int64_t)tk_cache_group_bytes(a->storage, a->head_dim);
  for (int i = 0; i < heads; i++) {
    h[i].max = -__builtin_inff();
    h[i].sum = 0;
    for (int64_t d = 0; d < depth; d += 16) TK(v_store)(h[i].out + d, TK(v_all)(0));
  }
  for (int64_t tile = 0; tile < keys; tile += TILE) {
    const int64_t n = tk_least(TILE, keys - tile), columns = tk_padded(n), at = tile / 16 * bytes;
#define SCORES(groups)                                                    \
  if (is_int8) TK(decode_scores_int8)(heads, groups, depth, at, bytes, h); \
  else TK(decode_scores)(heads, groups, depth, at, bytes, h);
    switch (columns / 16) {
      case 1: SCORES(1) break;
      case 2: SCORES(2) break;
      case 3: SCORES(3) break;
      default: SCORES(4)
    }
#undef SCORES
    float decay[2];
    const char *ahead[2];
    for (int i = 0; i < heads; i++) {
      decay[i] = TK(softmax_tile)(h[i].scores, columns, n, a->scale, &h[i].max, &h[i].sum);
      for (int64_t j = 0; is_int8 && j < columns; j += 16) {
        const float *scales = (const float *)(h[i].values + at + j / 16 * bytes);
        TK(v_store)(h[i].scores + j, TK(v_load)(h[i].scores + j) * TK(v_load)(scales));
      }
      ahead[i] = tile + TILE < keys ? h[i].keys + at + TILE / 16 * bytes : h[i].next;
    }
    int64_t d = 0;
    for (; d + 64 <= depth; d += 64)
      TK(decode_values)(heads, 4, is_int8, row, at, bytes, n, d, decay, ahead, h);
    for (; d + 32 <= depth; d += 32)
      TK(decode_values)(heads, 2, is_int8, row, at, bytes, n, d, decay, ahead, h);
    for (; d < depth; d += 16)
      TK(decode_values)(heads, 1, is_int8, row, at, bytes, n, d, decay, ahead, h);
  }
  for (int i = 0; i < heads; i++) {
    for (int64_t d = 0; d < depth; d += 16)
      TK(v_store_at)(h[i].y, d, a->head_dim, TK(v_load)(h[i].out + d) / h[i].sum);
    if (h[i].lse) *h[i].lse = h[i].max + TK(log1)(h[i].sum);
  }
}

#define DECODE(name, heads, is_int8)                                                      \
  static void TK(name)(const tk_attention_args *a, int64_t keys, TK(decoding) *h) {        \
    TK(decode)(heads, is_int8, a, keys, h);                                               \
  }
DECODE(decode_one, 1, 0)
DECODE(decode_two, 2, 0)
DECODE(decode_one_int8, 1, 1)
DECODE(decode_two_int8, 2, 1)
#undef DECODE

/// `count` heads, one or two, of a query of sequence i. What is read after them are the heads that
/// follow, or the next sequence's first.
static void TK(decode_heads)(const tk_attention_args *a, int64_t i, int64_t query, int64_t head,
                             int64_t count) {
  const tk_attention_sequence *s = &a->sequences[i];
  const int is_int8 = a->storage == TK_CACHE_INT8;
  const int64_t share = a->heads / a->kv_heads, keys = s->keys - s->queries + query + 1;
  const int64_t plane = a->capacity / 16 * (int64_t)tk_cache_group_bytes(a->storage, a->head_dim);
  TK(decoding) h[2];
  for (int64_t c = 0; c < count; c++) {
    const int64_t own = head + c, kv = own / share * plane;
    h[c].q = s->q + query * a->q_row + own * a->head_dim;
    if (is_int8) {
      __builtin_memset(h[c].codes, 0, sizeof h[c].codes);  // past head_dim keys are not defined
      TK(prepare_head)(h[c].q, a->key_factors, own / share, 1, a->head_dim, h[c].out);
      h[c].scale = TK(row_scale)(h[c].out, a->head_dim);
      h[c].start = -TK(key_offset) * TK(row_codes)(h[c].out, a->head_dim, h[c].scale, h[c].codes, 4);
    }
    h[c].keys = (const char *)s->k + kv;
    h[c].values = (const char *)s->v + kv;
    h[c].next = h[c].keys;
    if (own + count < a->heads) h[c].next = (const char *)s->k + (own + count) / share * plane;
    else if (i + 1 < a->count) h[c].next = (const char *)s[1].k + c / share * plane;
    h[c].y = s->out + query * a->out_row + own * a->head_dim;
    h[c].lse = s->lse ? s->lse + query * a->heads + own : NULL;
  }
  if (is_int8) (count == 2 ? TK(decode_two_int8) : TK(decode_one_int8))(a, keys, h);
  else (count == 2 ? TK(decode_two) : TK(decode_one))(a, keys, h);
}

/// A unit of work is a block of queries of one head, or of two heads where they decode; contiguous
/// runs of about equal cost go to the parts.
static void TK(attention)(const void *args, int part, int parts) {
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
        if (!decodes) TK(attention_block)(a, s, head, first, rows);
        for (int64_t r = 0; decodes && r < rows; r++) TK(decode_heads)(a, i, first + r, head, heads);
      }
    }
  }
}

/// One position of a head in its group of 16: its key across the group, its value along its row.
TK_INLINE void TK(store_position)(int64_t head_dim, const float *k, const float *v, int64_t at,
                                  float *keys, float *values) {
  for (int64_t d = 0; d < head_dim; d += 16) {
    const v16 key = TK(v_load_at)(k, d, head_dim, 0);
    for (int64_t i = 0; i < tk_least(16, head_dim - d); i++) keys[(d + i) * 16 + at] = key[i];
    TK(v_store_at)(values + at * head_dim, d, head_dim, TK(v_load_at)(v, d, head_dim, 0));
  }
}
TK_INLINE void TK(store_position_int8)(const tk_cache_store_args *a, int64_t kv_head, const float *key,
                                       const float *v, int64_t at, char *keys, char *values) {
  _Alignas(64) float k[WIDEST_HEAD];
  const int64_t head_dim = a->head_dim;
  TK(prepare_head)(key, a->key_factors, kv_head, 0, head_dim, k);
  const float k_scale = TK(row_scale)(k, head_dim), v_scale = TK(row_scale)(v, head_dim);
  ((float *)keys)[at] = k_scale;
  ((float *)values)[at] = v_scale;
  TK(row_codes)(k, head_dim, k_scale, (int8_t *)keys + SCALES + 4 * at, 64);
  TK(row_codes)(v, head_dim, v_scale, (int8_t *)values + SCALES + tk_padded(head_dim) * at, 4);
}

/// A unit of work is a kv head of an entry. A decoded position lies in as many lines of cache as its
/// key's group has, and none is near: they are asked for some units before they are written.
static void TK(cache_store)(const void *args, int part, int parts) {
  enum { AHEAD = 3 };
  const tk_cache_store_args *a = args;
  const int is_int8 = a->storage == TK_CACHE_INT8;
  const int64_t bytes = (int64_t)tk_cache_group_bytes(a->storage, a->head_dim);
  const int64_t plane = a->capacity / 16 * bytes;
  int64_t begin, end;
  tk_slice(a->count * a->kv_heads, 1, part, parts, &begin, &end);
  for (int64_t unit = begin; unit < end; unit++) {
    if (unit + AHEAD < end) {
      const tk_cache_entry *e = &a->entries[(unit + AHEAD) / a->kv_heads];
      const int64_t group = (unit + AHEAD) % a->kv_heads * plane + e->position / 16 * bytes;
      for (int64_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const char *)e->keys + group + i, 1, 3);
    }
    const tk_cache_entry *e = &a->entries[unit / a->kv_heads];
    const int64_t head = unit % a->kv_heads;
    for (int64_t row = 0; row < e->count; row++) {
      const int64_t source = row * a->kv_row + head * a->head_dim, position = e->position + row;
      const int64_t group = head * plane + position / 16 * bytes;
      char *keys = (char *)e->keys + group, *values = (char *)e->values + group;
      if (is_int8)
        TK(store_position_int8)(a, head, e->k + source, e->v + source, position % 16, keys, values);
      else
        TK(store_position)(a->head_dim, e->k + source, e->v + source, position % 16, (float *)keys,
                           (float *)values);
    }
  }
}

#else
#include "key_dot.h"

enum { QUERIES = 64, SCALES = 16 * sizeof(float) };

size_t tk_cache_group_bytes(tk_keys_storage storage, int64_t head_dim) {
  if (storage == TK_CACHE_INT8) return SCALES + 16 * (size_t)((head_dim + 15) / 16 * 16);
  return 16 * (size_t)head_dim * sizeof(float);
}

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
