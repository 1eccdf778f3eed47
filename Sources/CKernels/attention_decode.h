// Decoding: a query reads its sequence's cache in place, in groups of 16 positions. With float32 it computes
// the same as attention_block (attention.c), in the same order. It handles two heads at a time, so that
// there are enough independent chains to keep the multipliers busy.
#ifndef TINYRLHF_ATTENTION_DECODE_H
#define TINYRLHF_ATTENTION_DECODE_H
#include "attention_cache.h"
#include "attention_softmax.h"
#include "key_dot.h"

/// Prefetches `bytes` bytes from `from` on. A cache is read once per step, in pieces that are too short for the
/// processor's own prefetcher.
TK_INLINE void fetch(const void *from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)from + i, 0, 3);
}

/// The inputs and outputs of one query head.
typedef struct {
  const char *keys, *values;  // the cache of its kv head
  const char *next;           // keys that are read after these
  float *y, *lse;
  float max, sum;
  const float *q;                           // the query, for a float32 cache
  float scale;                              // for an int8 cache: scale of the query's codes
  int32_t start;                            // for an int8 cache: first value of the sums
  _Alignas(64) int8_t codes[WIDEST_HEAD];   // for an int8 cache: the query's codes
  _Alignas(64) float scores[TILE];
  _Alignas(64) float out[WIDEST_HEAD];
} decoding;

/// scores(j) = q·key(j) for `groups` groups of 16 keys at `keys` + `at`, `bytes` bytes from group to group.
/// Also prefetches the tile's `values`.
TK_INLINE void decode_scores(const int heads, const int groups, int64_t head_dim, int64_t at,
                             int64_t bytes, decoding *h) {
  v16 s[2][TILE / 16] = {};
  for (int64_t d = 0; d < head_dim; d++)
    UNROLL for (int i = 0; i < heads; i++) {
      fetch(h[i].values + at + d * groups * 64, groups * 64);
      UNROLL for (int g = 0; g < groups; g++)
        s[i][g] = v_fma(v_all(h[i].q[d]),
                        v_load((const float *)(h[i].keys + at + g * bytes) + d * 16),
                        s[i][g]);
    }
  UNROLL for (int i = 0; i < heads; i++)
    UNROLL for (int g = 0; g < groups; g++) v_store(h[i].scores + 16 * g, s[i][g]);
}
TK_INLINE void decode_scores_int8(const tk_isa isa, const int heads, const int groups,
                                  int64_t depth, int64_t at, int64_t bytes, decoding *h) {
  i16 s[2][TILE / 16];
  UNROLL for (int i = 0; i < heads; i++)
    UNROLL for (int g = 0; g < groups; g++) {
      s[i][g] = (i16){} + h[i].start;
      fetch(h[i].values + at + g * bytes, SCALES);
    }
  for (int64_t d = 0; d < depth; d += 4)
    UNROLL for (int i = 0; i < heads; i++)
      UNROLL for (int g = 0; g < groups; g++) {
        const int64_t line = at + g * bytes + SCALES + d * 16;
        fetch(h[i].values + line, 64);
        key_dot(isa, &s[i][g], (const int8_t *)h[i].keys + line, h[i].codes + d);
      }
  UNROLL for (int i = 0; i < heads; i++)
    UNROLL for (int g = 0; g < groups; g++) {
      const v16 scales = v_load((const float *)(h[i].keys + at + g * bytes)) * h[i].scale;
      v_store(h[i].scores + 16 * g, __builtin_convertvector(s[i][g], v16) * scales);
    }
}

TK_INLINE v16 cached16(const char *row, int64_t d, const int is_int8) {
  if (!is_int8) return v_load((const float *)row + d);
  return __builtin_convertvector(__builtin_convertvector(*(const c16 *)(row + d), i16), v16);
}

/// out(d) ← out(d)·decay + Σ_j p(j)·value(j, d) for rows `hidden` ..< n of those from `at` on and 16·`groups`
/// dimensions from `first` on. Also prefetches as many bytes from `ahead`.
TK_INLINE void decode_values(const int heads, const int groups, const int is_int8, int64_t row,
                             int64_t at, int64_t bytes, int64_t hidden, int64_t n, int64_t first,
                             const float *decay, const char *const *ahead, decoding *h) {
  const int64_t step = 16 * groups * (is_int8 ? 1 : 4);
  v16 o[2][4];
  UNROLL for (int i = 0; i < heads; i++)
    UNROLL for (int g = 0; g < groups; g++) {
      o[i][g] = v_load(h[i].out + first + 16 * g);
      if (decay[i] != 1) o[i][g] *= decay[i];
    }
  for (int64_t j = hidden; j < n; j++) {
    const int64_t place = at + j / 16 * bytes + (is_int8 ? SCALES : 0) + j % 16 * row;
    UNROLL for (int i = 0; i < heads; i++) {
      fetch(ahead[i] + first * n * (is_int8 ? 1 : 4) + j * step, step);
      UNROLL for (int g = 0; g < groups; g++)
        o[i][g] = v_fma(v_all(h[i].scores[j]),
                        cached16(h[i].values + place, first + 16 * g, is_int8), o[i][g]);
    }
  }
  UNROLL for (int i = 0; i < heads; i++)
    UNROLL for (int g = 0; g < groups; g++) v_store(h[i].out + first + 16 * g, o[i][g]);
}

/// Position of the first group of 16 keys that the query at position keys − 1 sees.
TK_INLINE int64_t first_group(const tk_attention_args *a, int64_t keys) {
  return (keys - window_of(a->window, keys)) / 16 * 16;
}

/// Computes one query at position keys − 1. The first tile begins at the first group that the query sees.
TK_INLINE void decode(const tk_isa isa, const int heads, const int is_int8, const tk_attention_args *a,
                      int64_t keys, decoding *h) {
  const int64_t depth = tk_padded(a->head_dim), row = depth * (is_int8 ? 1 : 4);
  const int64_t bytes = group_bytes(a->storage, a->head_dim);
  for (int i = 0; i < heads; i++) {
    h[i].max = -__builtin_inff();
    h[i].sum = 0;
    for (int64_t d = 0; d < depth; d += 16) v_store(h[i].out + d, v_all(0));
  }
  for (int64_t tile = first_group(a, keys), n; tile < keys; tile += n) {
    n = tk_least(TILE - tile % TILE, keys - tile);
    const int64_t columns = tk_padded(n), at = tile / 16 * bytes;
    const int64_t hidden = hidden_keys(window_of(a->window, keys), keys - 1 - tile);
#define SCORES(groups)                                                    \
  if (is_int8) decode_scores_int8(isa, heads, groups, depth, at, bytes, h); \
  else decode_scores(heads, groups, depth, at, bytes, h);
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
      decay[i] = attend_tile(isa, a, h[i].scores, columns, hidden, n, &h[i].max, &h[i].sum);
      for (int64_t j = 0; is_int8 && j < columns; j += 16) {
        const float *scales = (const float *)(h[i].values + at + j / 16 * bytes);
        v_store(h[i].scores + j, v_load(h[i].scores + j) * v_load(scales));
      }
      ahead[i] = tile + n < keys ? h[i].keys + at + n / 16 * bytes : h[i].next;
    }
    int64_t d = 0;
    for (; d + 64 <= depth; d += 64)
      decode_values(heads, 4, is_int8, row, at, bytes, hidden, n, d, decay, ahead, h);
    for (; d + 32 <= depth; d += 32)
      decode_values(heads, 2, is_int8, row, at, bytes, hidden, n, d, decay, ahead, h);
    for (; d < depth; d += 16)
      decode_values(heads, 1, is_int8, row, at, bytes, hidden, n, d, decay, ahead, h);
  }
  for (int i = 0; i < heads; i++) {
    for (int64_t d = 0; d < depth; d += 16)
      v_store_at(h[i].y, d, a->head_dim, v_load(h[i].out + d) / h[i].sum);
    if (h[i].lse) *h[i].lse = h[i].max + log1(h[i].sum);
  }
}

TK_INLINE void decode_one(const tk_isa isa, const tk_attention_args *a, int64_t keys, decoding *h) {
  decode(isa, 1, 0, a, keys, h);
}
TK_INLINE void decode_two(const tk_isa isa, const tk_attention_args *a, int64_t keys, decoding *h) {
  decode(isa, 2, 0, a, keys, h);
}
TK_INLINE void decode_one_int8(const tk_isa isa, const tk_attention_args *a, int64_t keys, decoding *h) {
  decode(isa, 1, 1, a, keys, h);
}
TK_INLINE void decode_two_int8(const tk_isa isa, const tk_attention_args *a, int64_t keys, decoding *h) {
  decode(isa, 2, 1, a, keys, h);
}

#define DECODE(name) \
  TK_INSTANCES(name, (const tk_attention_args *a, int64_t keys, decoding *h), (a, keys, h), isa)
DECODE(decode_one)
DECODE(decode_two)
DECODE(decode_one_int8)
DECODE(decode_two_int8)
#undef DECODE

/// Computes `count` heads, one or two, of a query of sequence i. `next` points to the heads that are computed next: the
/// following heads, or the first heads of the next sequence.
TK_INLINE void decode_heads(const tk_isa isa, const tk_attention_args *a, int64_t i, int64_t query,
                            int64_t head, int64_t count) {
  const tk_attention_sequence *s = &a->sequences[i];
  const int is_int8 = a->storage == TK_CACHE_INT8;
  const int64_t share = a->heads / a->kv_heads, keys = s->keys - s->queries + query + 1;
  const int64_t bytes = group_bytes(a->storage, a->head_dim), plane = a->capacity / 16 * bytes;
  const int64_t begin = first_group(a, keys) / 16 * bytes;
  decoding h[2];
  for (int64_t c = 0; c < count; c++) {
    const int64_t own = head + c, kv = own / share * plane;
    h[c].q = s->q + query * a->q_row + own * a->head_dim;
    if (is_int8) {
      __builtin_memset(h[c].codes, 0, sizeof h[c].codes);  // keys are undefined beyond head_dim
      prepare_head(h[c].q, a->key_factors, own / share, 1, a->head_dim, h[c].out);
      h[c].scale = row_scale(h[c].out, a->head_dim);
      h[c].start = -key_offset(isa) * row_codes(h[c].out, a->head_dim, h[c].scale, h[c].codes, 4);
    }
    h[c].keys = (const char *)s->k + kv;
    h[c].values = (const char *)s->v + kv;
    h[c].next = h[c].keys;
    if (own + count < a->heads) h[c].next = (const char *)s->k + (own + count) / share * plane + begin;
    else if (i + 1 < a->count)
      h[c].next = (const char *)s[1].k + c / share * plane +
                  first_group(a, s[1].keys - s[1].queries + 1) / 16 * bytes;
    h[c].y = s->out + query * a->out_row + own * a->head_dim;
    h[c].lse = s->lse ? s->lse + query * a->heads + own : NULL;
  }
  if (is_int8 && count == 2) decode_two_int8_on(isa, a, keys, h);
  else if (is_int8) decode_one_int8_on(isa, a, keys, h);
  else if (count == 2) decode_two_on(isa, a, keys, h);
  else decode_one_on(isa, a, keys, h);
}

#endif
