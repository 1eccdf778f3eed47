// The activation of an MLP, with or without a gate, and its gradient. Both are element by element, so lanes and parts
// do not change the result.
#include "vmath.h"
#include "activation_row.h"

TK_INLINE void activate(const void *args, int part, int parts) {
  const tk_activate_args *a = args;
  int64_t begin, end;
  if (a->gated) {
    tk_slice(a->rows, 1, part, parts, &begin, &end);
    for (int64_t row = begin; row < end; row++) activate_row(a, row);
  } else {  // all rows are one vector, so that the parts can also split a single row
    tk_slice(a->rows * a->width, 16, part, parts, &begin, &end);
    activate_vector(a->activation, 0, a->x + begin, end - begin, a->y + begin);
  }
}
TK_KERNEL(tk_activate, activate)

/// The activation is x·F(v) with v = x (SiLU, exact GELU) or v = 2u (tanh GELU). Returns its derivative F + x·F'·v',
/// and writes its value to *value. The last bits of *value may differ from activation16, which has another form of σ.
TK_INLINE v16 activation_slope16(const tk_activation activation, v16 x, v16 *value) {
  v16 factor, slope;
  if (activation == TK_SILU) factor = v_logistic_slope(x, &slope);
  else if (activation == TK_GELU_EXACT) factor = v_normal(x, &slope);
  else factor = v_logistic_slope(gelu_argument16(x), &slope);
  *value = x * factor;
  if (activation != TK_GELU_TANH) return v_fma(x, slope, factor);
  v16 inner = v_fma(x * x, v_all(3 * TK_GELU_CUBE), v_all(1)) * TK_GELU_ROOT;
  return v_fma(x * slope, inner, factor);
}

/// dx = dy·up·act'(x) and d up = dy·act(x).
TK_INLINE void activate_backward_of(const tk_activation activation, const int gated, const float *x,
                                    const float *dy, int64_t width, float *dx, float *y) {
  for (int64_t j = 0; j < width; j += 16) {
    v16 gate = v_load_at(x, j, width, 0), up = gate_factor16(gated, x + width, j, width);
    v16 d = v_load_at(dy, j, width, 0);
    v16 value, slope = activation_slope16(activation, gate, &value);
    v_store_at(dx, j, width, d * up * slope);
    if (gated) v_store_at(dx + width, j, width, d * value);
    if (y) v_store_at(y, j, width, activation16(activation, gate) * up);
  }
}

TK_INLINE void activate_backward_vector(tk_activation activation, int gated, const float *x, const float *dy,
                                        int64_t width, float *dx, float *y) {
  TK_WITH_ACTIVATION(activation, gated, activate_backward_of, x, dy, width, dx, y)
}

TK_INLINE void activate_backward(const void *args, int part, int parts) {
  const tk_activate_backward_args *a = args;
  const int64_t width = a->width;
  int64_t begin, end;
  if (a->gated) {
    tk_slice(a->rows, 1, part, parts, &begin, &end);
    for (int64_t row = begin; row < end; row++)
      activate_backward_vector(a->activation, 1, a->x + 2 * row * width, a->dy + row * width, width,
                               a->dx + 2 * row * width, a->y ? a->y + row * width : NULL);
  } else {
    tk_slice(a->rows * width, 16, part, parts, &begin, &end);
    activate_backward_vector(a->activation, 0, a->x + begin, a->dy + begin, end - begin, a->dx + begin,
                             a->y ? a->y + begin : NULL);
  }
}
TK_KERNEL(tk_activate_backward, activate_backward)
