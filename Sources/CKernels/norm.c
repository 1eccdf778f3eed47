// Layer and root-mean-square normalisation of rows, and their gradients.
#ifdef TK_SUFFIX
#include "vmath.h"

#include "norm_row.h"

static void TK(norm)(const void *args, int part, int parts) {
  const tk_norm_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) TK(norm_row)(a, row);
}

static void TK(norm_backward_input)(const void *args, int part, int parts) {
  const tk_norm_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const int64_t at = row * a->width;
    TK(norm_vector_backward)(a->dy + at, a->x + at, a->width, a->gamma, a->beta,
                             a->rms ? 0 : a->mean[row], a->rstd[row], a->rms, 1, a->dx + at,
                             a->y ? a->y + at : NULL);
  }
}

/// dgamma += Σ_row dy·n,  dbeta += Σ_row dy: every part owns columns and walks all rows.
static void TK(norm_backward_parameters)(const void *args, int part, int parts) {
  const tk_norm_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *x = a->x + row * a->width, *dy = a->dy + row * a->width;
    const float mean = a->rms ? 0 : a->mean[row], rstd = a->rstd[row];
    for (int64_t j = begin; j < end; j += 16) {
      v16 d = TK(v_load_at)(dy, j, end, 0);
      if (a->dgamma) {
        v16 n = (TK(v_load_at)(x, j, end, 0) - mean) * rstd;
        v16 old = TK(v_load_at)(a->dgamma, j, end, 0);
        TK(v_store_at)(a->dgamma, j, end, TK(v_fma)(d, n, old));
      }
      if (a->dbeta) TK(v_store_at)(a->dbeta, j, end, TK(v_load_at)(a->dbeta, j, end, 0) + d);
    }
  }
}

#else
#define TK_FILE "norm.c"
#include "instances.h"

void tk_norm(const void *args, int part, int parts) { TK_DISPATCH(norm, args, part, parts); }
void tk_norm_backward_input(const void *args, int part, int parts) {
  TK_DISPATCH(norm_backward_input, args, part, parts);
}
void tk_norm_backward_parameters(const void *args, int part, int parts) {
  TK_DISPATCH(norm_backward_parameters, args, part, parts);
}
#endif
