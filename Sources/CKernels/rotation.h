// Prepares a row for int8: its channels are balanced and then mixed, so that no channel is far above the others
// and one scale is enough for the row.
//
//   prepared = R·(f ∘ x)  for activations,   prepared = R·(w ∘ 1/f)  for a row of the weights that multiply them
//
// The product of the two is the product of x and w, because R is orthogonal. Factors f are powers of two, so
// multiplying by them is exact.
//
// R mixes blocks of 64 elements by H/8, where H(i, j) = (−1)^(number of bits that i and j share) is a Hadamard
// matrix. Rows of fewer than 64 elements have blocks of 16 and H/4; rows of fewer than 16 are not mixed. The last
// block ends at the end of the row, so it may overlap the block before, which is mixed first. Without such an
// overlap, R·R = 1.
#ifndef TINYRLHF_ROTATION_H
#define TINYRLHF_ROTATION_H
#include "vmath.h"

/// Block size in rows of `count` elements; 0 if they are not mixed.
TK_INLINE int64_t tk_rotation_block(int64_t count) { return count >= 64 ? 64 : count >= 16 ? 16 : 0; }

/// H₁₆·x: in each of four stages a lane and its partner become their sum and their difference.
TK_INLINE v16 hadamard16(v16 x) {
  const v16 one = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
  const v16 two = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
  const v16 four = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
  const v16 eight = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
  x = v_fma(x, one, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
  x = v_fma(x, two, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  x = v_fma(x, four, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  return v_fma(x, eight, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
}

/// Mixes one block in place.
TK_INLINE void rotate_block(float *x, int64_t block) {
  if (block == 16) {
    v_store(x, hadamard16(v_load(x)) * 0.25f);
    return;
  }
  v16 a = v_load(x), b = v_load(x + 16), c = v_load(x + 32), d = v_load(x + 48);
  const v16 sum = a + b, difference = a - b, sum2 = c + d, difference2 = c - d;
  v_store(x, hadamard16(sum + sum2) * 0.125f);
  v_store(x + 16, hadamard16(difference + difference2) * 0.125f);
  v_store(x + 32, hadamard16(sum - sum2) * 0.125f);
  v_store(x + 48, hadamard16(difference - difference2) * 0.125f);
}

/// R·x in place.
TK_INLINE void rotate(float *x, int64_t count) {
  const int64_t block = tk_rotation_block(count);
  if (block == 0) return;
  int64_t i = 0;
  for (; i + block <= count; i += block) rotate_block(x + i, block);
  if (i < count) rotate_block(x + count - block, block);
}

/// R⁻¹·x in place: the same blocks, the last one first.
TK_INLINE void rotate_back(float *x, int64_t count) {
  const int64_t block = tk_rotation_block(count);
  if (block == 0) return;
  if (count % block != 0) rotate_block(x + count - block, block);
  for (int64_t i = 0; i + block <= count; i += block) rotate_block(x + i, block);
}

/// to = R·(x ∘ factors), or R·(x ∘ 1/factors) if `divides`.
TK_INLINE void prepare(const float *x, const float *factors, const int divides, int64_t count, float *to) {
  for (int64_t k = 0; k < count; k += 16) {
    const v16 f = v_load_at(factors, k, count, 1), v = v_load_at(x, k, count, 0);
    v_store_at(to, k, count, divides ? v / f : v * f);
  }
  rotate(to, count);
}

#endif
