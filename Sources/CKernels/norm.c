// Layer and root-mean-square normalisation of rows, and their gradients.
#include "vmath.h"
#include "norm_row.h"

TK_INLINE void norm(const void *args, int part, int parts) {
  const tk_norm_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) norm_row(a, row);
}
TK_KERNEL(tk_norm, norm)

TK_INLINE void norm_backward_row_of(const int unit_offset, const tk_norm_backward_args *a, int64_t row) {
  const int64_t at = row * a->width;
  norm_vector_backward(unit_offset, a->dy + at, a->x + at, a->width, a->gamma, a->beta,
                       a->rms ? 0 : a->mean[row], a->rstd[row], a->rms, 1, a->dx + at,
                       a->y ? a->y + at : NULL);
}

/// Calls norm_backward_row_of with unit_offset as a constant.
TK_INLINE void norm_backward_input(const void *args, int part, int parts) {
  const tk_norm_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    if (a->unit_offset) norm_backward_row_of(1, a, row);
    else norm_backward_row_of(0, a, row);
  }
}
TK_KERNEL(tk_norm_backward_input, norm_backward_input)

/// dgamma += Σ_row dy·n,  dbeta += Σ_row dy. Every part computes some columns over all rows.
TK_INLINE void norm_backward_parameters(const void *args, int part, int parts) {
  const tk_norm_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *x = a->x + row * a->width, *dy = a->dy + row * a->width;
    const float mean = a->rms ? 0 : a->mean[row], rstd = a->rstd[row];
    for (int64_t j = begin; j < end; j += 16) {
      v16 d = v_load_at(dy, j, end, 0);
      if (a->dgamma) {
        v16 n = (v_load_at(x, j, end, 0) - mean) * rstd;
        v16 old = v_load_at(a->dgamma, j, end, 0);
        v_store_at(a->dgamma, j, end, v_fma(d, n, old));
      }
      if (a->dbeta) v_store_at(a->dbeta, j, end, v_load_at(a->dbeta, j, end, 0) + d);
    }
  }
}
TK_KERNEL(tk_norm_backward_parameters, norm_backward_parameters)
