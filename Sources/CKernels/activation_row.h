// GELU, and a row of SwiGLU: what the float32 pass does, and the int8 path before it quantises the
// row. Included once per instruction set.

// ½(1 + tanh u) = σ(2u): GELU(x) = x·σ(2u) with 2u = √(8/π)·(x + 0.044715x³). One exponential, and
// no cancellation for negative x.
#ifndef TK_GELU_ROOT
#define TK_GELU_ROOT 1.5957691216f
#define TK_GELU_CUBE 0.044715f
#endif

TK_INLINE v16 TK(gelu16)(v16 x) {
  v16 inner = TK(v_fma)(x * x * TK_GELU_CUBE, x, x);
  return x * TK(v_logistic)(inner * TK_GELU_ROOT);
}

/// gate·σ(gate)·up
TK_INLINE v16 TK(swiglu16)(v16 gate, v16 up) { return gate * TK(v_logistic)(gate) * up; }

TK_INLINE void TK(swiglu_row)(const tk_swiglu_args *a, int64_t row) {
  const int64_t width = a->width;
  const float *gate = a->x + row * 2 * width, *up = gate + width;
  for (int64_t j = 0; j < width; j += 16) {
    v16 g = TK(v_load_at)(gate, j, width, 0);
    v16 y = TK(swiglu16)(g, TK(v_load_at)(up, j, width, 0));
    TK(v_store_at)(a->y + row * width, j, width, y);
  }
}
