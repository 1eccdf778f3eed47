// GELU and SwiGLU, and their gradients. Element by element, so that neither lanes nor
// parts can matter.
#ifdef TK_SUFFIX
#include "vmath.h"
#include "activation_row.h"

/// GELU'(x) = s + x·s·(1 − s)·√(8/π)·(1 + 3·0.044715x²),  s = σ(2u).
TK_INLINE v16 TK(gelu_slope16)(v16 x) {
  v16 square = x * x, slope;
  v16 s = TK(v_logistic_slope)(TK(v_fma)(square * TK_GELU_CUBE, x, x) * TK_GELU_ROOT, &slope);
  v16 inner = TK(v_fma)(square, TK(v_all)(3 * TK_GELU_CUBE), TK(v_all)(1)) * TK_GELU_ROOT;
  return TK(v_fma)(x * slope, inner, s);
}

/// Φ(x) + x·φ(x)
TK_INLINE v16 TK(gelu_exact_slope16)(v16 x) {
  v16 density, normal = TK(v_normal)(x, &density);
  return TK(v_fma)(x, density, normal);
}

static void TK(gelu)(const void *args, int part, int parts) {
  const tk_gelu_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 x = TK(v_load_at)(a->x, i, end, 0);
    TK(v_store_at)(a->y, i, end, TK(gelu_form16)(x, a->exact));
  }
}

static void TK(gelu_backward)(const void *args, int part, int parts) {
  const tk_gelu_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 x = TK(v_load_at)(a->x, i, end, 0), dy = TK(v_load_at)(a->dy, i, end, 0);
    v16 slope = a->exact ? TK(gelu_exact_slope16)(x) : TK(gelu_slope16)(x);
    TK(v_store_at)(a->dx, i, end, dy * slope);
    if (a->y) TK(v_store_at)(a->y, i, end, TK(gelu_form16)(x, a->exact));
  }
}

static void TK(swiglu)(const void *args, int part, int parts) {
  const tk_swiglu_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) TK(swiglu_row)(a, row);
}

/// d gate = dy·up·(s + gate·s·(1 − s)),  d up = dy·gate·s,  s = σ(gate).
static void TK(swiglu_backward)(const void *args, int part, int parts) {
  const tk_swiglu_backward_args *a = args;
  const int64_t width = a->width;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *gate = a->x + row * 2 * width, *up = gate + width;
    float *d_gate = a->dx + row * 2 * width, *d_up = d_gate + width;
    for (int64_t j = 0; j < width; j += 16) {
      v16 g = TK(v_load_at)(gate, j, width, 0), u = TK(v_load_at)(up, j, width, 0);
      v16 dy = TK(v_load_at)(a->dy + row * width, j, width, 0);
      v16 slope, s = TK(v_logistic_slope)(g, &slope);
      TK(v_store_at)(d_gate, j, width, dy * u * TK(v_fma)(g, slope, s));
      TK(v_store_at)(d_up, j, width, dy * (g * s));
      if (a->y) TK(v_store_at)(a->y + row * width, j, width, TK(swiglu16)(g, u));
    }
  }
}

#else
#define TK_FILE "activation.c"
#include "instances.h"

void tk_gelu(const void *args, int part, int parts) { TK_DISPATCH(gelu, args, part, parts); }
void tk_gelu_backward(const void *args, int part, int parts) {
  TK_DISPATCH(gelu_backward, args, part, parts);
}
void tk_swiglu(const void *args, int part, int parts) { TK_DISPATCH(swiglu, args, part, parts); }
void tk_swiglu_backward(const void *args, int part, int parts) {
  TK_DISPATCH(swiglu_backward, args, part, parts);
}
#endif
