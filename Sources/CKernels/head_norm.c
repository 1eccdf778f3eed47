// Root-mean-square normalisation of each head of queries or keys, and its gradients.
#ifdef TK_SUFFIX
#include "vmath.h"

#include "norm_row.h"

static void TK(head_norm)(const void *args, int part, int parts) {
  const tk_head_norm_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++)
    for (int64_t head = 0; head < a->heads; head++)
      TK(norm_vector)(a->x + row * a->x_row + head * a->head_dim, a->head_dim, a->gamma, NULL,
                      a->epsilon, 1, a->y + row * a->y_row + head * a->head_dim, NULL,
                      a->rstd ? a->rstd + row * a->heads + head : NULL);
}

static void TK(head_norm_backward_input)(const void *args, int part, int parts) {
  const tk_head_norm_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++)
    for (int64_t head = 0; head < a->heads; head++) {
      float *dy = a->dy + row * a->dy_row + head * a->head_dim;
      TK(norm_vector_backward)(dy, a->x + row * a->x_row + head * a->head_dim, a->head_dim,
                               a->gamma, NULL, 0, a->rstd[row * a->heads + head], 1, 0, dy, NULL);
    }
}

/// Every part owns elements of a head and walks all rows and heads.
static void TK(head_norm_backward_parameters)(const void *args, int part, int parts) {
  const tk_head_norm_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->head_dim, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++)
    for (int64_t head = 0; head < a->heads; head++) {
      const float *x = a->x + row * a->x_row + head * a->head_dim;
      const float *dy = a->dy + row * a->dy_row + head * a->head_dim;
      const float rstd = a->rstd[row * a->heads + head];
      for (int64_t j = begin; j < end; j += 16) {
        v16 n = TK(v_load_at)(x, j, end, 0) * rstd;
        v16 old = TK(v_load_at)(a->dgamma, j, end, 0);
        TK(v_store_at)(a->dgamma, j, end, TK(v_fma)(TK(v_load_at)(dy, j, end, 0), n, old));
      }
    }
}

#else
#define TK_FILE "head_norm.c"
#include "instances.h"

void tk_head_norm(const void *args, int part, int parts) {
  TK_DISPATCH(head_norm, args, part, parts);
}
void tk_head_norm_backward_input(const void *args, int part, int parts) {
  TK_DISPATCH(head_norm_backward_input, args, part, parts);
}
void tk_head_norm_backward_parameters(const void *args, int part, int parts) {
  TK_DISPATCH(head_norm_backward_parameters, args, part, parts);
}
#endif
