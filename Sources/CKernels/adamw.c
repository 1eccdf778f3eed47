// One AdamW step. Square roots and divisions are the IEEE instructions, exact everywhere.
#ifdef TK_SUFFIX
#include "vmath.h"

static void TK(adamw)(const void *args, int part, int parts) {
  const tk_adamw_args *a = args;
  const v16 beta1 = TK(v_all)(a->beta1), rest1 = TK(v_all)(1.0f - a->beta1);
  const v16 beta2 = TK(v_all)(a->beta2), rest2 = TK(v_all)(1.0f - a->beta2);
  const v16 rate = TK(v_all)(-a->learning_rate), decay = TK(v_all)(a->weight_decay);
  const float ratio = __builtin_elementwise_sqrt(a->correction2) / a->correction1;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 g = TK(v_load_at)(a->g, i, end, 0) * a->gradient_scale;
    v16 m = TK(v_fma)(beta1, TK(v_load_at)(a->m, i, end, 0), rest1 * g);
    v16 v = TK(v_fma)(beta2, TK(v_load_at)(a->v, i, end, 0), rest2 * (g * g));
    v16 step = a->tensorflow_form
      ? m * ratio / (__builtin_elementwise_sqrt(v) + a->epsilon)
      : m / a->correction1 / (__builtin_elementwise_sqrt(v / a->correction2) + a->epsilon);
    v16 p = TK(v_load_at)(a->p, i, end, 0);
    TK(v_store_at)(a->m, i, end, m);
    TK(v_store_at)(a->v, i, end, v);
    TK(v_store_at)(a->p, i, end, TK(v_fma)(rate, TK(v_fma)(decay, p, step), p));
  }
}

#else
#define TK_FILE "adamw.c"
#include "instances.h"

void tk_adamw(const void *args, int part, int parts) { TK_DISPATCH(adamw, args, part, parts); }
#endif
