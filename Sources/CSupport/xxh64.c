// XXH64, written from the specification at https://github.com/Cyan4973/xxHash (doc/xxhash_spec.md).
#include "CSupport.h"

#include <string.h>

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu,
                      P3 = 0x165667B19E3779F9u, P4 = 0x85EBCA77C2B2AE63u,
                      P5 = 0x27D4EB2F165667C5u;

static inline uint64_t rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static inline uint64_t read64(const uint8_t *p) {
  uint64_t x;
  memcpy(&x, p, 8);
  return x;
}

static inline uint32_t read32(const uint8_t *p) {
  uint32_t x;
  memcpy(&x, p, 4);
  return x;
}

static inline uint64_t step(uint64_t lane, uint64_t input) {
  return rotate(lane + input * P2, 31) * P1;
}

static inline uint64_t merge(uint64_t hash, uint64_t lane) {
  return (hash ^ step(0, lane)) * P1 + P4;
}

uint64_t ts_xxh64(const void *bytes, size_t count, uint64_t seed) {
  const uint8_t *p = bytes, *end = p + count;
  uint64_t hash;
  if (count >= 32) {
    uint64_t a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1;
    for (; end - p >= 32; p += 32) {
      a = step(a, read64(p));
      b = step(b, read64(p + 8));
      c = step(c, read64(p + 16));
      d = step(d, read64(p + 24));
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
    hash = merge(merge(merge(merge(hash, a), b), c), d);
  } else {
    hash = seed + P5;
  }
  hash += count;
  for (; end - p >= 8; p += 8) hash = rotate(hash ^ step(0, read64(p)), 27) * P1 + P4;
  for (; end - p >= 4; p += 4) hash = rotate(hash ^ read32(p) * P1, 23) * P2 + P3;
  for (; p < end; p++) hash = rotate(hash ^ *p * P5, 11) * P1;
  hash = (hash ^ hash >> 33) * P2;
  hash = (hash ^ hash >> 29) * P3;
  return hash ^ hash >> 32;
}
