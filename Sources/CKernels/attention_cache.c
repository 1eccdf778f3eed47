// Stores new keys and values in caches, as float32 or as int8 codes.
#include "attention_cache.h"

size_t tk_cache_group_bytes(tk_keys_storage storage, int64_t head_dim) {
  return (size_t)group_bytes(storage, head_dim);
}

/// Stores one position of a head in its group of 16: the key in a column, the value in a row.
TK_INLINE void store_position(int64_t head_dim, const float *k, const float *v, int64_t at,
                              float *keys, float *values) {
  for (int64_t d = 0; d < head_dim; d += 16) {
    const v16 key = v_load_at(k, d, head_dim, 0);
    for (int64_t i = 0; i < tk_least(16, head_dim - d); i++) keys[(d + i) * 16 + at] = key[i];
    v_store_at(values + at * head_dim, d, head_dim, v_load_at(v, d, head_dim, 0));
  }
}
TK_INLINE void store_position_int8(const tk_cache_store_args *a, int64_t kv_head, const float *key,
                                   const float *v, int64_t at, char *keys, char *values) {
  _Alignas(64) float k[WIDEST_HEAD];
  const int64_t head_dim = a->head_dim;
  prepare_head(key, a->key_factors, kv_head, 0, head_dim, k);
  const float k_scale = row_scale(k, head_dim), v_scale = row_scale(v, head_dim);
  ((float *)keys)[at] = k_scale;
  ((float *)values)[at] = v_scale;
  row_codes(k, head_dim, k_scale, (int8_t *)keys + SCALES + 4 * at, 64);
  row_codes(v, head_dim, v_scale, (int8_t *)values + SCALES + tk_padded(head_dim) * at, 4);
}

/// A unit of work is one kv head of one entry. A decoded position touches every cache line of its key's group, and
/// these lines are not in the processor's cache. So they are prefetched some units before they are written.
TK_INLINE void cache_store(const void *args, int part, int parts) {
  enum { AHEAD = 3 };
  const tk_cache_store_args *a = args;
  const int is_int8 = a->storage == TK_CACHE_INT8;
  const int64_t bytes = group_bytes(a->storage, a->head_dim);
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
        store_position_int8(a, head, e->k + source, e->v + source, position % 16, keys, values);
      else
        store_position(a->head_dim, e->k + source, e->v + source, position % 16, (float *)keys,
                       (float *)values);
    }
  }
}
TK_KERNEL(tk_cache_store, cache_store)
