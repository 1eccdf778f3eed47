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

/// dx += rstd·(g − mean(g) − n·mean(g·n)),  g = dy·gamma, n = (x − mean)·rstd;
/// RMSNorm has no mean(g) term. y, if wanted, is what the forward pass gave.
static void TK(norm_backward_input)(const void *args, int part, int parts) {
  const tk_norm_backward_args *a = args;
  const int64_t width = a->width;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *x = a->x + row * width, *dy = a->dy + row * width;
    float *dx = a->dx + row * width, *y = a->y ? a->y + row * width : NULL;
    const float mean = a->rms ? 0 : a->mean[row], rstd = a->rstd[row];
    v16 sum_g = {}, sum_gn = {};
    for (int64_t j = 0; j < width; j += 16) {
      v16 g = TK(v_load_at)(dy, j, width, 0) * TK(v_load_at)(a->gamma, j, width, 0);
      v16 n = (TK(v_load_at)(x, j, width, mean) - mean) * rstd;
      sum_g += g;
      sum_gn = TK(v_fma)(g, n, sum_gn);
    }
    const float mean_g = a->rms ? 0 : TK(v_sum)(sum_g) / (float)width;
    const float mean_gn = TK(v_sum)(sum_gn) / (float)width;
    for (int64_t j = 0; j < width; j += 16) {
      v16 g = TK(v_load_at)(dy, j, width, 0) * TK(v_load_at)(a->gamma, j, width, 0);
      v16 n = (TK(v_load_at)(x, j, width, 0) - mean) * rstd;
      v16 d = TK(v_fma)(n, TK(v_all)(-mean_gn), g - mean_g);
      v16 old = TK(v_load_at)(dx, j, width, 0);
      TK(v_store_at)(dx, j, width, TK(v_fma)(TK(v_all)(rstd), d, old));
      if (y) TK(v_store_at)(y, j, width, TK(norm_scaled)(n, a->gamma, a->beta, j, width));
    }
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
