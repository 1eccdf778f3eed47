// Causal attention over ragged sequences, forward (prefill and decoding) and backward.
#include "harness.h"

enum { sequences = 3 };

/// Which keys a query sees, and what becomes of its scores; 0 for none.
typedef struct { int64_t window; float cap; } scores;

/// Memory of one sequence's rows, that begins at `room` and has no gap behind the last row.
static int64_t span(int64_t tokens, int64_t row, int64_t used) { return (tokens - 1) * row + used; }

static void forward(const int64_t *lengths, int decoding, int64_t heads, int64_t kv_heads, int64_t dim,
                    scores with) {
  int64_t q_row = heads * dim + 5, kv_row = kv_heads * dim + 2, out_row = heads * dim;
  tk_attention_sequence list[sequences];
  output outputs[2 * sequences];
  for (int s = 0; s < sequences; s++) {
    int64_t keys = lengths[s], queries = decoding ? 1 : keys;
    list[s] = (tk_attention_sequence){
        .queries = queries, .keys = keys,
        .q = numbers(span(queries, q_row, heads * dim), 2),
        .k = numbers(span(keys, kv_row, kv_heads * dim), 2),
        .v = numbers(span(keys, kv_row, kv_heads * dim), 2),
        .out = numbers(queries * out_row, 1), .lse = numbers(queries * heads, 100)};
    outputs[2 * s] = FLOATS(list[s].out, queries * out_row);
    outputs[2 * s + 1] = FLOATS(list[s].lse, queries * heads);
  }
  tk_attention_args a = {
      .count = sequences, .sequences = list, .heads = heads, .kv_heads = kv_heads, .head_dim = dim,
      .q_row = q_row, .kv_row = kv_row, .out_row = out_row, .scale = 0.3f,
      .cap = with.cap, .window = with.window};
  compare(decoding ? "attention, decoding" : "attention", tk_attention, &a, 2 * sequences, outputs);
  release();
}

/// Stored into a cache, then read from it by the last `queries` positions.
static void cached(const int64_t *lengths, tk_keys_storage storage, int64_t queries, int64_t heads,
                   int64_t kv_heads, int64_t dim, scores with) {
  int64_t q_row = heads * dim, kv_row = kv_heads * dim + 2, capacity = 208;
  int64_t plane = kv_heads * capacity / 16 * (int64_t)tk_cache_group_bytes(storage, dim) / 4;
  tk_cache_entry entries[sequences];
  tk_attention_sequence list[sequences];
  output stored[2 * sequences], outputs[2 * sequences];
  for (int s = 0; s < sequences; s++) {
    int64_t keys = lengths[s], asked = keys < queries ? keys : queries;
    entries[s] = (tk_cache_entry){
        .count = keys, .k = numbers(span(keys, kv_row, kv_heads * dim), 2),
        .v = numbers(span(keys, kv_row, kv_heads * dim), 2), .keys = numbers(plane, 0),
        .values = numbers(plane, 0)};
    stored[2 * s] = FLOATS(entries[s].keys, plane);
    stored[2 * s + 1] = FLOATS(entries[s].values, plane);
    list[s] = (tk_attention_sequence){
        .queries = asked, .keys = keys, .q = numbers(asked * q_row, 2), .k = entries[s].keys,
        .v = entries[s].values, .out = numbers(asked * q_row, 1),
        .lse = numbers(asked * heads, 100)};
    outputs[2 * s] = FLOATS(list[s].out, asked * q_row);
    outputs[2 * s + 1] = FLOATS(list[s].lse, asked * heads);
  }
  float *factors = numbers(kv_heads * dim, 1);
  for (int64_t i = 0; i < kv_heads * dim; i++) factors[i] = (float)(1 << i % 5) / 4;
  tk_cache_store_args c = {
      .count = sequences, .entries = entries, .kv_heads = kv_heads, .head_dim = dim,
      .kv_row = kv_row, .storage = storage, .capacity = capacity, .key_factors = factors};
  compare("cache_store", tk_cache_store, &c, 2 * sequences, stored);
  tk_attention_args a = {
      .count = sequences, .sequences = list, .heads = heads, .kv_heads = kv_heads, .head_dim = dim,
      .q_row = q_row, .out_row = q_row, .storage = storage, .capacity = capacity,
      .key_factors = factors, .scale = 0.3f, .cap = with.cap, .window = with.window};
  compare("attention, cached", tk_attention, &a, 2 * sequences, outputs);
  release();
}

static void backward(const int64_t *lengths, int64_t heads, int64_t kv_heads, int64_t dim, scores with) {
  int64_t row = heads * dim, kv_row = kv_heads * dim, longest = 0;
  tk_attention_sequence seen[sequences];
  tk_attention_backward_sequence list[sequences];
  output made[2 * sequences], outputs[3 * sequences];
  for (int s = 0; s < sequences; s++) {
    int64_t tokens = lengths[s];
    if (tokens > longest) longest = tokens;
    seen[s] = (tk_attention_sequence){
        .queries = tokens, .keys = tokens, .q = numbers(tokens * row, 2),
        .k = numbers(tokens * kv_row, 2), .v = numbers(tokens * kv_row, 2),
        .out = numbers(tokens * row, 1), .lse = numbers(tokens * heads, 100)};
    made[2 * s] = FLOATS(seen[s].out, tokens * row);
    made[2 * s + 1] = FLOATS(seen[s].lse, tokens * heads);
    list[s] = (tk_attention_backward_sequence){
        .tokens = tokens, .q = seen[s].q, .k = seen[s].k, .v = seen[s].v, .out = seen[s].out,
        .dout = numbers(tokens * row, 1), .lse = seen[s].lse, .dq = numbers(tokens * row, 1),
        .dk = numbers(tokens * kv_row, 1), .dv = numbers(tokens * kv_row, 1)};
    outputs[3 * s] = FLOATS(list[s].dq, tokens * row);
    outputs[3 * s + 1] = FLOATS(list[s].dk, tokens * kv_row);
    outputs[3 * s + 2] = FLOATS(list[s].dv, tokens * kv_row);
  }
  tk_attention_args a = {
      .count = sequences, .sequences = seen, .heads = heads, .kv_heads = kv_heads, .head_dim = dim,
      .q_row = row, .kv_row = kv_row, .out_row = row, .scale = 0.3f,
      .cap = with.cap, .window = with.window};
  compare("attention", tk_attention, &a, 2 * sequences, made);
  tk_attention_backward_args b = {
      .count = sequences, .sequences = list, .heads = heads, .kv_heads = kv_heads, .head_dim = dim,
      .q_row = row, .kv_row = kv_row, .out_row = row, .dq_row = row, .dkv_row = kv_row,
      .scale = 0.3f, .cap = with.cap, .window = with.window,
      .workspace = workspace(tk_attention_backward_workspace_bytes(dim, longest, 3))};
  compare("attention_backward", tk_attention_backward, &b, 3 * sequences, outputs);
  release();
}

void check_attention(void) {
  static const int64_t lengths[][sequences] = {{1, 2, 3}, {17, 5, 16}, {64, 63, 65}, {150, 1, 31}};
  static const int64_t shapes[][3] = {{1, 1, 8}, {4, 2, 16}, {3, 3, 32}, {2, 1, 64}, {2, 2, 80}, {2, 1, 160}};
  static const scores with[] = {{1, 0}, {5, 2}, {16, 0}, {40, 3}, {65, 0}, {0, 2}};
  size_t turn = 0;
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++, turn++)
      for (int plain = 0; plain < 2; plain++) {
        const int64_t *n = shapes[i];
        const scores s = plain ? (scores){0} : with[(turn + l) % (sizeof with / sizeof *with)];
        forward(lengths[l], 0, n[0], n[1], n[2], s);
        forward(lengths[l], 1, n[0], n[1], n[2], s);
        for (int64_t queries = 1; queries < 4; queries += 2) {
          cached(lengths[l], TK_CACHE_FLOAT32, queries, n[0], n[1], n[2], s);
          cached(lengths[l], TK_CACHE_INT8, queries, n[0], n[1], n[2], s);
        }
        backward(lengths[l], n[0], n[1], n[2], s);
      }
}
