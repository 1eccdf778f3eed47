// A cache of keys and values in groups of 16 positions: its size, and the transformation of keys and queries
// before they are quantised.
#ifndef TINYRLHF_ATTENTION_CACHE_H
#define TINYRLHF_ATTENTION_CACHE_H
#include "attention_tiles.h"
#include "int8_row.h"
#include "rotation.h"

/// Bytes of the scales before the codes of a group of 16 positions.
enum { SCALES = 16 * sizeof(float) };

/// Bytes of the keys, or of the values, of 16 positions of one head.
TK_INLINE int64_t group_bytes(tk_keys_storage storage, int64_t head_dim) {
  if (storage == TK_CACHE_INT8) return SCALES + 16 * tk_padded(head_dim);
  return 16 * head_dim * (int64_t)sizeof(float);
}

/// to = R·(x ∘ factors) for a key of the kv head, or R·(x ∘ 1/factors) for a query (`divides`).
TK_INLINE void prepare_head(const float *x, const float *factors, int64_t kv_head, const int divides,
                            int64_t head_dim, float *to) {
  if (factors) {
    prepare(x, factors + kv_head * head_dim, divides, head_dim, to);
    return;
  }
  for (int64_t d = 0; d < head_dim; d += 16) v_store_at(to, d, head_dim, v_load_at(x, d, head_dim, 0));
  rotate(to, head_dim);
}

#endif
