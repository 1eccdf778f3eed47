// GELU in both forms, and a row of SwiGLU. The float32 path uses them, and the int8 path before it quantises a row.
#ifndef TINYRLHF_ACTIVATION_ROW_H
#define TINYRLHF_ACTIVATION_ROW_H
#include "vmath.h"

// ½(1 + tanh u) = σ(2u), so GELU(x) = x·σ(2u) with 2u = √(8/π)·(x + 0.044715x³). This form needs one exponential
// and has no cancellation for negative x.
#define TK_GELU_ROOT 1.5957691216f
#define TK_GELU_CUBE 0.044715f

TK_INLINE v16 gelu16(v16 x) {
  v16 inner = v_fma(x * x * TK_GELU_CUBE, x, x);
  return x * v_logistic(inner * TK_GELU_ROOT);
}

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

/// GELU in the exact form if `exact`, else in the tanh form.
TK_INLINE v16 gelu_form16(v16 x, int exact) {
  v16 density;
  return exact ? x * v_normal(x, &density) : gelu16(x);
}

/// gate·σ(gate)·up
TK_INLINE v16 swiglu16(v16 gate, v16 up) { return gate * v_logistic(gate) * up; }

TK_INLINE void swiglu_row(const tk_swiglu_args *a, int64_t row) {
  const int64_t width = a->width;
  const float *gate = a->x + row * 2 * width, *up = gate + width;
  for (int64_t j = 0; j < width; j += 16) {
    v16 g = v_load_at(gate, j, width, 0);
    v16 y = swiglu16(g, v_load_at(up, j, width, 0));
    v_store_at(a->y + row * width, j, width, y);
  }
}

#endif
