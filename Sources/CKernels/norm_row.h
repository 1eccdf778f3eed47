// One row normalised: what the float32 pass does, and the int8 path before it quantises the row.
// Included once per instruction set.

/// n·gamma + beta at element j of a row; n = (x − mean)·rstd.
TK_INLINE v16 TK(norm_scaled)(v16 n, const float *gamma, const float *beta, int64_t j,
                              int64_t width) {
  v16 scale = TK(v_load_at)(gamma, j, width, 0);
  return beta ? TK(v_fma)(n, scale, TK(v_load_at)(beta, j, width, 0)) : n * scale;
}

/// The variance is the mean square of x − mean (two passes, no cancellation).
TK_INLINE void TK(norm_row)(const tk_norm_args *a, int64_t row) {
  const int64_t width = a->width;
  const float *x = a->x + row * width;
  float *y = a->y + row * width;
  float mean = 0;
  if (!a->rms) {
    v16 sum = {};
    for (int64_t j = 0; j < width; j += 16) sum += TK(v_load_at)(x, j, width, 0);
    mean = TK(v_sum)(sum) / (float)width;
  }
  v16 squares = {};
  for (int64_t j = 0; j < width; j += 16) {
    v16 d = TK(v_load_at)(x, j, width, mean) - mean;  // lanes past the end are 0
    squares = TK(v_fma)(d, d, squares);
  }
  float variance = TK(v_sum)(squares) / (float)width;
  float rstd = 1.0f / __builtin_elementwise_sqrt(variance + a->epsilon);
  for (int64_t j = 0; j < width; j += 16) {
    v16 n = (TK(v_load_at)(x, j, width, 0) - mean) * rstd;
    TK(v_store_at)(y, j, width, TK(norm_scaled)(n, a->gamma, a->beta, j, width));
  }
  if (a->mean) a->mean[row] = mean;
  if (a->rstd) a->rstd[row] = rstd;
}
