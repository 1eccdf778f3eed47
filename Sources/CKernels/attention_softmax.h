// The softmax of a tile of scores with a running maximum and sum.
#ifndef TINYRLHF_ATTENTION_SOFTMAX_H
#define TINYRLHF_ATTENTION_SOFTMAX_H
#include "attention_tiles.h"

/// scores ← exp(scale·scores − max) for the first `visible` keys, and 0 for the others up to `columns`. Updates the
/// running maximum and sum, and returns the factor by which the output so far must be multiplied.
TK_INLINE float softmax_tile(float *scores, int64_t columns, int64_t visible, float scale,
                             float *max, float *sum) {
  const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const v16 lowest = v_all(-__builtin_inff());
  v16 s[TILE / 16], top = lowest, total = {};
  for (int64_t j = 0; j < columns; j += 16) {
    i16 seen = lane < (int32_t)(visible - j);
    s[j / 16] = v_select(seen, v_load(scores + j) * scale, lowest);
    top = v_max(top, s[j / 16]);
  }
  float peak = v_max_of(top);
  if (*max > peak) peak = *max;
  for (int64_t j = 0; j < columns; j += 16) {
    v16 p = v_exp(s[j / 16] - peak);
    v_store(scores + j, p);
    total += p;
  }
  float decay = 1;
  if (*max < peak) decay = *max == lowest[0] ? 0 : exp1(*max - peak);
  *sum = *sum * decay + v_sum(total);
  *max = peak;
  return decay;
}

#endif
