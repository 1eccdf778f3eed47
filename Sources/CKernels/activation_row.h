// The activations, and a row of an MLP's hidden layer. The float32 path uses them, and the int8 path before it
// quantises a row. In a loop, the choice of the activation and of the gate are constants.
#ifndef TINYRLHF_ACTIVATION_ROW_H
#define TINYRLHF_ACTIVATION_ROW_H
#include "vmath.h"

// ½(1 + tanh u) = σ(2u), so GELU(x) = x·σ(2u) with 2u = √(8/π)·(x + 0.044715x³). This form needs one exponential
// and has no cancellation for negative x.
#define TK_GELU_ROOT 1.5957691216f
#define TK_GELU_CUBE 0.044715f

/// 2u
TK_INLINE v16 gelu_argument16(v16 x) { return v_fma(x * x * TK_GELU_CUBE, x, x) * TK_GELU_ROOT; }

/// Returns Φ(x), the normal distribution function, and writes its density to *density, both within 4 units in the last
/// place. Φ(−a) = exp(−a²/2)·R(1/(1 + 0.27a)) for a ≥ 0, where R is a polynomial of degree 9 with the least maximum
/// error. The rounding error of a² is added again, because it would be an error in the exponent. For a ≥ 16, Φ(−a) and
/// the density are 0.
TK_INLINE v16 v_normal(v16 x, v16 *density) {
  v16 a = (v16)((i16)x & INT32_MAX);
  a = v_select(a < 16.0f, a, v_all(16));
  v16 square = a * a, rest = v_fma(a, a, -square);
  v16 e = v_exp(square * -0.5f);
  e = v_fma(e, rest * -0.5f, e);
  v16 t = 1.0f / v_fma(a, v_all(0.27f), v_all(1));
  v16 p = v_all(0x1.c0edaep-6f);
  p = v_fma(p, t, v_all(-0x1.e418ap-4f));
  p = v_fma(p, t, v_all(0x1.34ae74p-3f));
  p = v_fma(p, t, v_all(-0x1.6c03f8p-5f));
  p = v_fma(p, t, v_all(0x1.679cbcp-4f));
  p = v_fma(p, t, v_all(0x1.51cdaep-4f));
  p = v_fma(p, t, v_all(0x1.92c058p-4f));
  p = v_fma(p, t, v_all(0x1.bb7138p-4f));
  p = v_fma(p, t, v_all(0x1.b8e202p-4f));
  p = v_fma(p, t, v_all(0x1.13b508p-18f));
  v16 low = e * p;
  *density = e * 0x1.988454p-2f;  // 1/√(2π)
  return v_select(x < 0.0f, low, 1.0f - low);
}

/// act(x)
TK_INLINE v16 activation16(const tk_activation activation, v16 x) {
  v16 density;
  if (activation == TK_SILU) return x * v_logistic(x);
  if (activation == TK_GELU_EXACT) return x * v_normal(x, &density);
  return x * v_logistic(gelu_argument16(x));
}

/// The factor of 16 activations: those of `up` or, without a gate, the constant 1, whose products cost nothing.
TK_INLINE v16 gate_factor16(const int gated, const float *up, int64_t j, int64_t width) {
  return gated ? v_load_at(up, j, width, 0) : v_all(1);
}

TK_INLINE void activate_of(const tk_activation activation, const int gated, const float *x,
                           int64_t width, float *y) {
  for (int64_t j = 0; j < width; j += 16) {
    v16 up = gate_factor16(gated, x + width, j, width);
    v_store_at(y, j, width, activation16(activation, v_load_at(x, j, width, 0)) * up);
  }
}

/// Calls body(activation, gated, …) with both as constants.
#define TK_WITH_ACTIVATION(activation, gated, body, ...)                       \
  switch (activation) {                                                        \
    case TK_GELU_TANH: TK_WITH_GATE(TK_GELU_TANH, gated, body, __VA_ARGS__)    \
    case TK_GELU_EXACT: TK_WITH_GATE(TK_GELU_EXACT, gated, body, __VA_ARGS__)  \
    case TK_SILU: TK_WITH_GATE(TK_SILU, gated, body, __VA_ARGS__)              \
  }
#define TK_WITH_GATE(activation, gated, body, ...)   \
  if (gated) body(activation, 1, __VA_ARGS__);       \
  else body(activation, 0, __VA_ARGS__);             \
  break;

/// Computes y[width] from x[width], or from the gate and up in x[2*width].
TK_INLINE void activate_vector(tk_activation activation, int gated, const float *x, int64_t width, float *y) {
  TK_WITH_ACTIVATION(activation, gated, activate_of, x, width, y)
}

TK_INLINE void activate_row(const tk_activate_args *a, int64_t row) {
  const float *x = a->x + row * (a->gated ? 2 : 1) * a->width;
  activate_vector(a->activation, a->gated, x, a->width, a->y + row * a->width);
}

#endif
