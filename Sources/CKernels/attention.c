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

/// Queries first ..< first + rows of one head of one sequence.
static void TK(attention_block)(const tk_attention_args *a, const tk_attention_sequence *s,
                                int64_t head, int64_t first, int64_t rows) {
  _Alignas(64) float keys[WIDEST_HEAD * TILE], scores[TK_ROWS * TILE];
  _Alignas(64) float out[QUERIES * WIDEST_HEAD];
  float max[QUERIES], sum[QUERIES];
  const int64_t head_dim = a->head_dim, kv_head = head / (a->heads / a->kv_heads);
  const int64_t start = s->keys - s->queries + first;  // position of the first query
  const float *q = s->q + first * a->q_row + head * head_dim;
  const float *k = s->k + kv_head * head_dim, *v = s->v + kv_head * head_dim;
  for (int64_t r = 0; r < tk_padded(rows); r++) {
    max[r] = -__builtin_inff();
    sum[r] = 0;
    for (int64_t d = 0; d < head_dim; d += 16) TK(v_store)(out + r * WIDEST_HEAD + d, TK(v_all)(0));
  }
  for (int64_t tile = 0; tile < start + rows; tile += TILE) {
    const int64_t n = tk_least(TILE, start + rows - tile);
    TK(transpose_tile)(k + tile * a->kv_row, a->kv_row, n, head_dim, keys);
    for (int64_t r = tk_most(0, tile - start); r < rows; r += TK_ROWS) {
      const int64_t group = tk_least(TK_ROWS, rows - r), seen = start + r + 1 - tile;
      const int64_t columns = tk_padded(tk_least(n, seen + group - 1));
      float *o = out + r * WIDEST_HEAD;
      for (int64_t i = 0; i < group; i++)
        for (int64_t j = 0; j < columns; j += 16)
          TK(v_store)(scores + i * TILE + j, TK(v_all)(0));
      TK(product)(group, columns, head_dim,
                  (TK(chains)){q + r * a->q_row, a->q_row, 1, keys, TILE, scores, TILE});
      for (int64_t i = 0; i < group; i++) {
        const float decay = TK(softmax_tile)(scores + i * TILE, columns, tk_least(n, seen + i),
                                             a->scale, &max[r + i], &sum[r + i]);
        if (decay == 1) continue;
        float *row = o + i * WIDEST_HEAD;
        for (int64_t d = 0; d < head_dim; d += 16)
          TK(v_store)(row + d, TK(v_load)(row + d) * decay);
      }
      TK(product_causal)(group, head_dim, tk_least(n, seen), n,
                         (TK(chains)){scores, TILE, 1, v + tile * a->kv_row, a->kv_row,
                                      o, WIDEST_HEAD});
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

/// A unit of work is a block of queries of one head; contiguous runs of about equal cost go to the
/// parts.
static void TK(attention)(const void *args, int part, int parts) {
  const tk_attention_args *a = args;
  int64_t total = 0, done = 0;
  for (int64_t i = 0; i < a->count; i++)
    for (int64_t first = 0; first < a->sequences[i].queries; first += QUERIES)
      total += attention_cost(&a->sequences[i], first) * a->heads;
  for (int64_t i = 0; i < a->count; i++) {
    const tk_attention_sequence *s = &a->sequences[i];
    for (int64_t head = 0; head < a->heads; head++)
      for (int64_t first = 0; first < s->queries; first += QUERIES) {
        const int64_t cost = attention_cost(s, first);
        if ((2 * done + cost) * parts / (2 * total) == part)
          TK(attention_block)(a, s, head, first, tk_least(QUERIES, s->queries - first));
        done += cost;
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
#endif
