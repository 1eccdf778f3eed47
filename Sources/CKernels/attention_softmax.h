// The scores of a tile, with a cap and a window, and their softmax with a running maximum and sum.
#ifndef TINYRLHF_ATTENTION_SOFTMAX_H
#define TINYRLHF_ATTENTION_SOFTMAX_H
#include "attention_tiles.h"

/// scores ← cap·tanh(scale·scores / cap)
TK_INLINE void cap_scores(float *scores, int64_t columns, float scale, float cap) {
  for (int64_t j = 0; j < columns; j += 16)
    v_store(scores + j, v_tanh(v_load(scores + j) * (scale / cap)) * cap);
}
TK_INSTANCES(cap_scores, (float *scores, int64_t columns, float scale, float cap), (scores, columns, scale, cap))

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

/// The same for scores before the cap, of which the first `hidden` are before the window. The query must see at least
/// one key.
TK_INLINE float attend_tile(const tk_isa isa, const tk_attention_args *a, float *scores, int64_t columns,
                            int64_t hidden, int64_t visible, float *max, float *sum) {
  float scale = a->scale;
  if (a->cap > 0) {
    cap_scores_on(isa, scores, columns, scale, a->cap);
    scale = 1;
  }
  for (int64_t j = 0; j < hidden; j++) scores[j] = -__builtin_inff();
  return softmax_tile(scores, columns, visible, scale, max, sum);
}

#endif
