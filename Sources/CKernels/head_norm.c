// Root-mean-square normalisation of each query or key head, and its gradients.
#include "vmath.h"
#include "norm_row.h"

TK_INLINE void head_norm_of(const int unit_offset, const tk_head_norm_args *a, int part, int parts) {
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++)
    for (int64_t head = 0; head < a->heads; head++)
      norm_vector(unit_offset, a->x + row * a->x_row + head * a->head_dim, a->head_dim, a->gamma,
                  NULL, a->epsilon, 1, a->y + row * a->y_row + head * a->head_dim, NULL,
                  a->rstd ? a->rstd + row * a->heads + head : NULL);
}

/// Calls head_norm_of with unit_offset as a constant.
TK_INLINE void head_norm(const void *args, int part, int parts) {
  const tk_head_norm_args *a = args;
  if (a->unit_offset) head_norm_of(1, a, part, parts);
  else head_norm_of(0, a, part, parts);
}
TK_KERNEL(tk_head_norm, head_norm)

TK_INLINE void head_norm_backward_input_of(const int unit_offset, const tk_head_norm_backward_args *a,
                                           int part, int parts) {
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++)
    for (int64_t head = 0; head < a->heads; head++) {
      float *dy = a->dy + row * a->dy_row + head * a->head_dim;
      norm_vector_backward(unit_offset, dy, a->x + row * a->x_row + head * a->head_dim, a->head_dim,
                           a->gamma, NULL, 0, a->rstd[row * a->heads + head], 1, 0, dy, NULL);
    }
}

/// Calls head_norm_backward_input_of with unit_offset as a constant.
TK_INLINE void head_norm_backward_input(const void *args, int part, int parts) {
  const tk_head_norm_backward_args *a = args;
  if (a->unit_offset) head_norm_backward_input_of(1, a, part, parts);
  else head_norm_backward_input_of(0, a, part, parts);
}
TK_KERNEL(tk_head_norm_backward_input, head_norm_backward_input)

/// Every part computes some elements of a head for all rows and heads.
TK_INLINE void head_norm_backward_parameters(const void *args, int part, int parts) {
  const tk_head_norm_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->head_dim, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++)
    for (int64_t head = 0; head < a->heads; head++) {
      const float *x = a->x + row * a->x_row + head * a->head_dim;
      const float *dy = a->dy + row * a->dy_row + head * a->head_dim;
      const float rstd = a->rstd[row * a->heads + head];
      for (int64_t j = begin; j < end; j += 16) {
        v16 n = v_load_at(x, j, end, 0) * rstd;
        v16 old = v_load_at(a->dgamma, j, end, 0);
        v_store_at(a->dgamma, j, end, v_fma(v_load_at(dy, j, end, 0), n, old));
      }
    }
}
TK_KERNEL(tk_head_norm_backward_parameters, head_norm_backward_parameters)
