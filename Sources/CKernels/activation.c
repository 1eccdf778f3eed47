// GELU and SwiGLU, and their gradients. All are element by element, so lanes and parts do not change
// the result.
#include "vmath.h"
#include "activation_row.h"

/// GELU'(x) = s + x·s·(1 − s)·√(8/π)·(1 + 3·0.044715x²),  s = σ(2u).
TK_INLINE v16 gelu_slope16(v16 x) {
  v16 square = x * x, slope;
  v16 s = v_logistic_slope(v_fma(square * TK_GELU_CUBE, x, x) * TK_GELU_ROOT, &slope);
  v16 inner = v_fma(square, v_all(3 * TK_GELU_CUBE), v_all(1)) * TK_GELU_ROOT;
  return v_fma(x * slope, inner, s);
}

/// The derivative of the exact GELU: Φ(x) + x·φ(x).
TK_INLINE v16 gelu_exact_slope16(v16 x) {
  v16 density, normal = v_normal(x, &density);
  return v_fma(x, density, normal);
}

TK_INLINE void gelu(const void *args, int part, int parts) {
  const tk_gelu_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 x = v_load_at(a->x, i, end, 0);
    v_store_at(a->y, i, end, gelu_form16(x, a->exact));
  }
}
TK_KERNEL(tk_gelu, gelu)

TK_INLINE void gelu_backward(const void *args, int part, int parts) {
  const tk_gelu_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 x = v_load_at(a->x, i, end, 0), dy = v_load_at(a->dy, i, end, 0);
    v16 slope = a->exact ? gelu_exact_slope16(x) : gelu_slope16(x);
    v_store_at(a->dx, i, end, dy * slope);
    if (a->y) v_store_at(a->y, i, end, gelu_form16(x, a->exact));
  }
}
TK_KERNEL(tk_gelu_backward, gelu_backward)

TK_INLINE void swiglu(const void *args, int part, int parts) {
  const tk_swiglu_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) swiglu_row(a, row);
}
TK_KERNEL(tk_swiglu, swiglu)

/// d gate = dy·up·(s + gate·s·(1 − s)),  d up = dy·gate·s,  s = σ(gate).
TK_INLINE void swiglu_backward(const void *args, int part, int parts) {
  const tk_swiglu_backward_args *a = args;
  const int64_t width = a->width;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *gate = a->x + row * 2 * width, *up = gate + width;
    float *d_gate = a->dx + row * 2 * width, *d_up = d_gate + width;
    for (int64_t j = 0; j < width; j += 16) {
      v16 g = v_load_at(gate, j, width, 0), u = v_load_at(up, j, width, 0);
      v16 dy = v_load_at(a->dy + row * width, j, width, 0);
      v16 slope, s = v_logistic_slope(g, &slope);
      v_store_at(d_gate, j, width, dy * u * v_fma(g, slope, s));
      v_store_at(d_up, j, width, dy * (g * s));
      if (a->y) v_store_at(a->y + row * width, j, width, swiglu16(g, u));
    }
  }
}
TK_KERNEL(tk_swiglu_backward, swiglu_backward)
