// Attention, its caches and its gradients. CKernels.h includes this file; its rules hold here too.
#ifndef TINYRLHF_CKERNELS_ATTENTION_H
#define TINYRLHF_CKERNELS_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

/// Causal attention over sequences of different lengths. It uses key tiles of 64 from position 0, with the running
/// maximum and sum of online softmax. Training, prefill and decoding have the same arithmetic, hence the same bits.
/// Query i of a sequence has the position keys − queries + i.
///   s = scale·q·kᵀ, or cap·tanh(scale·q·kᵀ / cap) with a `cap`;   out = softmax(s)·v,   lse = log Σ exp(s)
/// With a `window`, the query at position p sees the keys at positions p − window + 1 … p only. The tiles stay the
/// same; tiles that no query of a block sees are skipped.
/// A tile of a head is on the stack, hence head_dim ≤ TK_WIDEST_HEAD.
enum { TK_WIDEST_HEAD = 256 };
/// The layout of keys and values: rows of an activation, like the queries, or a cache of `capacity` positions for each
/// kv head, in groups of 16 positions, [kv_heads][capacity / 16] of
///   float32: keys [head_dim][16], values [16][head_dim];
///   int8, with D = head_dim rounded up to 16 and a scale for each row, as in int8 products:
///            float32 scales [16], then keys [D / 4][16][4], values [16][D]
/// So decoding reads everything in order, and 16 keys at a time. With int8, queries are quantised too: keys as
/// R·(k ∘ factors), queries as R·(q ∘ 1/factors), where R is the rotation of rotation.h.
typedef enum { TK_KEYS_IN_ROWS = 0, TK_CACHE_FLOAT32 = 1, TK_CACHE_INT8 = 2 } tk_keys_storage;
/// Bytes of the keys, or of the values, of 16 positions of one head.
size_t tk_cache_group_bytes(tk_keys_storage storage, int64_t head_dim);
typedef struct {
  int64_t queries, keys;          // queries ≤ keys
  const float *q;                 // first query row of this sequence
  const void *k, *v;              // keys and values from the first position on
  float *out;
  float *lse;                     // [queries, heads] or NULL
  // For TK_KEYS_IN_ROWS: the first `prefix` positions are at prefix_k and prefix_v, and several sequences can share
  // them; k and v then begin at position `prefix`. 0 for none. This does not change a bit.
  int64_t prefix;
  const void *prefix_k, *prefix_v;
} tk_attention_sequence;
typedef struct {
  int64_t count; const tk_attention_sequence *sequences;
  int64_t heads, kv_heads, head_dim;   // head h reads kv head h / (heads / kv_heads)
  int64_t q_row, kv_row, out_row;      // strides between tokens; head h begins at h*head_dim
  tk_keys_storage storage;
  int64_t capacity;                    // positions of a cache; kv_row is then not used
  const float *key_factors;            // [kv_heads, head_dim] powers of two, for an int8 cache; NULL for 1
  float scale, cap;                    // cap: 0 for none
  int64_t window;                      // 0 for none
} tk_attention_args;
void tk_attention(const void *args, int part, int parts);

/// Stores the keys and values of new positions, which are rows of an activation, in caches (attention_cache.c).
typedef struct {
  int64_t count, position;        // number of positions, and the first of them
  const float *k, *v;             // rows of the first position
  void *keys, *values;            // the sequence's cache
} tk_cache_entry;
typedef struct {
  int64_t count; const tk_cache_entry *entries;
  int64_t kv_heads, head_dim, kv_row;
  tk_keys_storage storage;        // a cache
  int64_t capacity;
  const float *key_factors;       // as in tk_attention_args
} tk_cache_store_args;
void tk_cache_store(const void *args, int part, int parts);

/// The gradients of attention, with queries = keys. dq, dk, dv are overwritten. The sums of dq ascend over keys, those
/// of dk and dv over query heads that share a kv head and, within each, over queries. A key that a query does not see
/// has the weight 0; such terms are part of a sum only within the groups of 16 keys and of 16 queries in which a query
/// sees a key.
///
/// A sequence with a `prefix` continues a whole sequence: its tokens have the positions `prefix` and later. It must
/// follow the whole sequence, or another continuation of it. It adds to prefix_dk and prefix_dv, which are dk and dv of
/// the whole sequence, after the sequences before it. Its dq ascends over the prefix's keys, then over its own keys, in
/// groups of 16 that begin at the first key of each.
typedef struct {
  int64_t tokens;
  const float *q, *k, *v, *out, *dout;  // dout has out's stride
  const float *lse;                     // [tokens, heads]
  float *dq, *dk, *dv;                  // strides dq_row, dkv_row
  int64_t prefix;                       // number of keys in the prefix; 0 for a whole sequence
  const float *prefix_k, *prefix_v;
  float *prefix_dk, *prefix_dv;
} tk_attention_backward_sequence;
typedef struct {
  int64_t count; const tk_attention_backward_sequence *sequences;
  int64_t heads, kv_heads, head_dim, q_row, kv_row, out_row;
  int64_t dq_row, dkv_row;
  float scale, cap;
  int64_t window;
  void *workspace;   // tk_attention_backward_workspace_bytes(head_dim, longest, parts), 64-byte aligned
} tk_attention_backward_args;
void tk_attention_backward(const void *args, int part, int parts);
size_t tk_attention_backward_workspace_bytes(int64_t head_dim, int64_t longest_sequence, int parts);

#endif
