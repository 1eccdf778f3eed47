// One AdamW step. Square roots and divisions are IEEE instructions with the same result on every instruction set.
#include "vmath.h"

TK_INLINE void adamw(const void *args, int part, int parts) {
  const tk_adamw_args *a = args;
  const v16 beta1 = v_all(a->beta1), rest1 = v_all(1.0f - a->beta1);
  const v16 beta2 = v_all(a->beta2), rest2 = v_all(1.0f - a->beta2);
  const v16 rate = v_all(-a->learning_rate), decay = v_all(a->weight_decay);
  const float ratio = __builtin_elementwise_sqrt(a->correction2) / a->correction1;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 g = v_load_at(a->g, i, end, 0) * a->gradient_scale;
    v16 m = v_fma(beta1, v_load_at(a->m, i, end, 0), rest1 * g);
    v16 v = v_fma(beta2, v_load_at(a->v, i, end, 0), rest2 * (g * g));
    v16 step = a->tensorflow_form
      ? m * ratio / (__builtin_elementwise_sqrt(v) + a->epsilon)
      : m / a->correction1 / (__builtin_elementwise_sqrt(v / a->correction2) + a->epsilon);
    v16 p = v_load_at(a->p, i, end, 0);
    v_store_at(a->m, i, end, m);
    v_store_at(a->v, i, end, v);
    v_store_at(a->p, i, end, v_fma(rate, v_fma(decay, p, step), p));
  }
}
TK_KERNEL(tk_adamw, adamw)
