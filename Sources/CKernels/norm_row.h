// The normalisation of one vector, and its gradient. The vector is a row of the residual stream (norm.c; the int8 path
// then quantises it) or one head of a query or key (head_norm.c).
#ifndef TINYRLHF_NORM_ROW_H
#define TINYRLHF_NORM_ROW_H
#include "vmath.h"

/// The scale of elements j ..< j + 16: gamma, or 1 + gamma if `unit_offset`, which is a constant at every call.
TK_INLINE v16 norm_scale(const int unit_offset, const float *gamma, int64_t j, int64_t width) {
  v16 scale = v_load_at(gamma, j, width, 0);
  return unit_offset ? 1.0f + scale : scale;
}

/// n·scale + beta at element j; n = (x − mean)·rstd.
TK_INLINE v16 norm_scaled(const int unit_offset, v16 n, const float *gamma, const float *beta,
                          int64_t j, int64_t width) {
  v16 scale = norm_scale(unit_offset, gamma, j, width);
  return beta ? v_fma(n, scale, v_load_at(beta, j, width, 0)) : n * scale;
}

/// Normalises one vector. The variance is the mean square of x − mean (two passes, no cancellation). y may be x;
/// mean_out and rstd_out may be NULL.
TK_INLINE void norm_vector(const int unit_offset, const float *x, int64_t width, const float *gamma,
                           const float *beta, float epsilon, int rms, float *y, float *mean_out,
                           float *rstd_out) {
  float mean = 0;
  if (!rms) {
    v16 sum = {};
    for (int64_t j = 0; j < width; j += 16) sum += v_load_at(x, j, width, 0);
    mean = v_sum(sum) / (float)width;
  }
  v16 squares = {};
  for (int64_t j = 0; j < width; j += 16) {
    v16 d = v_load_at(x, j, width, mean) - mean;  // lanes past the end are 0
    squares = v_fma(d, d, squares);
  }
  float variance = v_sum(squares) / (float)width;
  float rstd = 1.0f / __builtin_elementwise_sqrt(variance + epsilon);
  for (int64_t j = 0; j < width; j += 16) {
    v16 n = (v_load_at(x, j, width, 0) - mean) * rstd;
    v_store_at(y, j, width, norm_scaled(unit_offset, n, gamma, beta, j, width));
  }
  if (mean_out) *mean_out = mean;
  if (rstd_out) *rstd_out = rstd;
}

TK_INLINE void norm_row_of(const int unit_offset, const tk_norm_args *a, int64_t row) {
  norm_vector(unit_offset, a->x + row * a->width, a->width, a->gamma, a->beta, a->epsilon, a->rms,
              a->y + row * a->width, a->mean ? a->mean + row : NULL,
              a->rstd ? a->rstd + row : NULL);
}

/// Calls norm_row_of with unit_offset as a constant.
TK_INLINE void norm_row(const tk_norm_args *a, int64_t row) {
  if (a->unit_offset) norm_row_of(1, a, row);
  else norm_row_of(0, a, row);
}

/// dx += rstd·(g − mean(g) − n·mean(g·n)) with g = dy·scale and n = (x − mean)·rstd. If not `adds`, dx is overwritten
/// and may be dy. RMSNorm (rms) has no mean(g) term. If y is not NULL, it receives the output of the forward pass.
TK_INLINE void norm_vector_backward(const int unit_offset, const float *dy, const float *x,
                                    int64_t width, const float *gamma, const float *beta,
                                    float mean, float rstd, int rms, int adds, float *dx, float *y) {
  v16 sum_g = {}, sum_gn = {};
  for (int64_t j = 0; j < width; j += 16) {
    v16 g = v_load_at(dy, j, width, 0) * norm_scale(unit_offset, gamma, j, width);
    v16 n = (v_load_at(x, j, width, mean) - mean) * rstd;
    sum_g += g;
    sum_gn = v_fma(g, n, sum_gn);
  }
  const float mean_g = rms ? 0 : v_sum(sum_g) / (float)width;
  const float mean_gn = v_sum(sum_gn) / (float)width;
  for (int64_t j = 0; j < width; j += 16) {
    v16 g = v_load_at(dy, j, width, 0) * norm_scale(unit_offset, gamma, j, width);
    v16 n = (v_load_at(x, j, width, 0) - mean) * rstd;
    v16 d = v_fma(n, v_all(-mean_gn), g - mean_g);
    v16 old = adds ? v_load_at(dx, j, width, 0) : v_all(0);
    v_store_at(dx, j, width, v_fma(v_all(rstd), d, old));
    if (y) v_store_at(y, j, width, norm_scaled(unit_offset, n, gamma, beta, j, width));
  }
}

#endif
