// The gradient of causal attention, from the log-sum-exp that the forward pass kept.
//
//   p = exp(scale·q·k − lse),  dp = dout·v,  D = Σ dout·out,  ds = scale·p·(dp − D)
//   dv(k) += p·dout(q),  dk(k) += ds·q(q),  dq(q) += ds·k(k)
// Every gradient element is one ascending chain from 0: dq over keys; dk and dv over the query
// heads that share the kv head, and within each over queries. Only tiles of 64 × 64 are kept.
#ifdef TK_SUFFIX
#include "attention_tiles.h"

/// One kv head's share of a sequence, and one of the query heads that read it.
typedef struct {
  const tk_attention_backward_args *a;
  int64_t tokens;
  const float *q, *k, *v, *dout, *lse;  // lse of query i at i*heads
  float *dq, *dk, *dv;
  const float *delta;                   // D, [tokens]
} TK(attention_head);

/// scores → p and dp → ds for one query that sees `visible` keys; 0 for the others up to `columns`.
TK_INLINE void TK(gradient_row)(float *p, float *ds, int64_t columns, int64_t visible,
                                float scale, float lse, float delta) {
  const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const v16 zero = {};
  for (int64_t j = 0; j < columns; j += 16) {
    i16 seen = lane < (int32_t)(visible - j);
    v16 weight = TK(v_exp)(TK(v_load)(p + j) * scale - lse);
    v16 slope = weight * (TK(v_load)(ds + j) - delta) * scale;
    TK(v_store)(p + j, TK(v_select)(seen, weight, zero));
    TK(v_store)(ds + j, TK(v_select)(seen, slope, zero));
  }
}

/// dx(key) += Σ_query w(query, key)·y(query) for the n keys of a tile and `rows` queries, of which
/// key c is seen from `diagonal` + c on.
static void TK(gradient_of_keys)(const TK(attention_head) *h, int64_t n, int64_t rows,
                                 int64_t diagonal, const float *w, const float *y, int64_t y_row,
                                 float *dx) {
  const int64_t dx_row = h->a->dkv_row;
  for (int64_t c = 0; c < n; c += TK_ROWS) {
    const int64_t group = tk_least(TK_ROWS, n - c);
    const int64_t common = tk_most(0, diagonal + c + group - 1);
    for (int64_t i = 0; i < group; i++) {  // the queries that not all keys of the group see
      const int64_t from = tk_most(0, diagonal + c + i);
      TK(product)(1, h->a->head_dim, common - from,
                  (TK(chains)){w + from * TILE + c + i, 1, TILE, y + from * y_row, y_row,
                               dx + (c + i) * dx_row, dx_row});
    }
    TK(product)(group, h->a->head_dim, rows - common,
                (TK(chains)){w + common * TILE + c, 1, TILE, y + common * y_row, y_row,
                             dx + c * dx_row, dx_row});
  }
}

/// One tile of n keys against the queries first ..< first + rows.
static void TK(gradient_block)(const TK(attention_head) *h, int64_t tile, int64_t n,
                               const float *keys, const float *values, int64_t first,
                               int64_t rows) {
  _Alignas(64) float p[TILE * TILE], ds[TILE * TILE];
  const tk_attention_backward_args *a = h->a;
  const float *q = h->q + first * a->q_row, *dout = h->dout + first * a->out_row;
  for (int64_t r = 0; r < rows; r += TK_ROWS) {
    const int64_t group = tk_least(TK_ROWS, rows - r), seen = first + r + 1 - tile;
    const int64_t columns = tk_padded(tk_least(n, seen + group - 1));
    for (int64_t i = r; i < r + group; i++)
      for (int64_t j = 0; j < columns; j += 16) {
        TK(v_store)(p + i * TILE + j, TK(v_all)(0));
        TK(v_store)(ds + i * TILE + j, TK(v_all)(0));
      }
    TK(product)(group, columns, a->head_dim,
                (TK(chains)){q + r * a->q_row, a->q_row, 1, keys, TILE, p + r * TILE, TILE});
    TK(product)(group, columns, a->head_dim,
                (TK(chains)){dout + r * a->out_row, a->out_row, 1, values, TILE, ds + r * TILE,
                             TILE});
    for (int64_t i = 0; i < group; i++) {
      const int64_t row = first + r + i;
      TK(gradient_row)(p + (r + i) * TILE, ds + (r + i) * TILE, columns, tk_least(n, seen + i),
                       a->scale, h->lse[row * a->heads], h->delta[row]);
    }
    TK(product_causal)(group, a->head_dim, tk_least(n, seen), n,
                       (TK(chains)){ds + r * TILE, TILE, 1, h->k + tile * a->kv_row, a->kv_row,
                                    h->dq + (first + r) * a->dq_row, a->dq_row});
  }
  const int64_t diagonal = tile - first;
  TK(gradient_of_keys)(h, n, rows, diagonal, p, dout, a->out_row, h->dv + tile * a->dkv_row);
  TK(gradient_of_keys)(h, n, rows, diagonal, ds, q, a->q_row, h->dk + tile * a->dkv_row);
}

static void TK(clear)(float *x, int64_t x_row, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t d = 0; d < width; d++) x[r * x_row + d] = 0;
}

static void TK(gradient_of_kv_head)(const tk_attention_backward_args *a,
                                    const tk_attention_backward_sequence *s, int64_t kv_head,
                                    float *delta) {
  _Alignas(64) float keys[WIDEST_HEAD * TILE], values[WIDEST_HEAD * TILE];
  const int64_t head_dim = a->head_dim, share = a->heads / a->kv_heads, offset = kv_head * head_dim;
  TK(attention_head) h = {.a = a, .tokens = s->tokens, .k = s->k + offset, .v = s->v + offset,
                          .dk = s->dk + offset, .dv = s->dv + offset, .delta = delta};
  TK(clear)(h.dk, a->dkv_row, s->tokens, head_dim);
  TK(clear)(h.dv, a->dkv_row, s->tokens, head_dim);
  for (int64_t head = kv_head * share; head < (kv_head + 1) * share; head++) {
    h.q = s->q + head * head_dim;
    h.dq = s->dq + head * head_dim;
    h.dout = s->dout + head * head_dim;
    h.lse = s->lse + head;
    TK(clear)(h.dq, a->dq_row, s->tokens, head_dim);
    for (int64_t i = 0; i < s->tokens; i++) {
      const float *out = s->out + i * a->out_row + head * head_dim, *dout = h.dout + i * a->out_row;
      v16 sum = {};
      for (int64_t d = 0; d < head_dim; d += 16)
        sum = TK(v_fma)(TK(v_load_at)(dout, d, head_dim, 0), TK(v_load_at)(out, d, head_dim, 0),
                        sum);
      delta[i] = TK(v_sum)(sum);
    }
    for (int64_t tile = 0; tile < s->tokens; tile += TILE) {
      const int64_t n = tk_least(TILE, s->tokens - tile);
      TK(transpose_tile)(h.k + tile * a->kv_row, a->kv_row, n, head_dim, keys);
      TK(transpose_tile)(h.v + tile * a->kv_row, a->kv_row, n, head_dim, values);
      for (int64_t first = tile; first < s->tokens; first += TILE)
        TK(gradient_block)(&h, tile, n, keys, values, first, tk_least(TILE, s->tokens - first));
    }
  }
}

/// A unit of work is a kv head of a sequence; contiguous runs of about equal cost go to the parts.
static void TK(attention_backward)(const void *args, int part, int parts) {
  const tk_attention_backward_args *a = args;
  int64_t total = 0, done = 0, longest = 0;
  for (int64_t i = 0; i < a->count; i++) {
    const int64_t tokens = a->sequences[i].tokens;
    total += tokens * (tokens + TILE) * a->kv_heads;
    longest = tk_most(longest, tokens);
  }
  float *delta = (float *)a->workspace + part * tk_padded(longest);
  for (int64_t i = 0; i < a->count; i++) {
    const tk_attention_backward_sequence *s = &a->sequences[i];
    const int64_t cost = s->tokens * (s->tokens + TILE);
    for (int64_t kv_head = 0; kv_head < a->kv_heads && cost > 0; kv_head++, done += cost)
      if ((2 * done + cost) * parts / (2 * total) == part)
        TK(gradient_of_kv_head)(a, s, kv_head, delta);
  }
}

#else
#define TK_FILE "attention_backward.c"
#include "instances.h"

void tk_attention_backward(const void *args, int part, int parts) {
  TK_DISPATCH(attention_backward, args, part, parts);
}

size_t tk_attention_backward_workspace_bytes(int64_t longest_sequence, int parts) {
  return (size_t)tk_padded(longest_sequence) * (size_t)parts * sizeof(float);
}
#endif
