// Sums, averages and dot products of long vectors and of rows, and the elementary functions.
#ifdef TK_SUFFIX
#include "vmath.h"

static void TK(exp)(const void *args, int part, int parts) {
  const tk_map_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16)
    TK(v_store_at)(a->y, i, end, TK(v_exp)(TK(v_load_at)(a->x, i, end, 0)));
}

static void TK(log)(const void *args, int part, int parts) {
  const tk_map_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16)
    TK(v_store_at)(a->y, i, end, TK(v_log)(TK(v_load_at)(a->x, i, end, 1)));
}

static void TK(logistic)(const void *args, int part, int parts) {
  const tk_map_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16)
    TK(v_store_at)(a->y, i, end, TK(v_logistic)(TK(v_load_at)(a->x, i, end, 0)));
}

static void TK(add)(const void *args, int part, int parts) {
  const tk_add_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 sum = TK(v_load_at)(a->y, i, end, 0) + TK(v_load_at)(a->x, i, end, 0);
    TK(v_store_at)(a->y, i, end, sum);
  }
}

static void TK(lerp)(const void *args, int part, int parts) {
  const tk_lerp_args *a = args;
  const v16 decay = TK(v_all)(a->decay), rest = TK(v_all)(1.0f - a->decay);
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 step = rest * TK(v_load_at)(a->x, i, end, 0);
    TK(v_store_at)(a->y, i, end, TK(v_fma)(decay, TK(v_load_at)(a->y, i, end, 0), step));
  }
}

/// Every part owns columns and walks all rows, so that each sum is one ascending chain.
static void TK(column_sum)(const void *args, int part, int parts) {
  const tk_column_sum_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *x = a->x + row * a->x_row;
    for (int64_t j = begin; j < end; j += 16) {
      v16 sum = TK(v_load_at)(a->out, j, end, 0) + TK(v_load_at)(x, j, end, 0);
      TK(v_store_at)(a->out, j, end, sum);
    }
  }
}

static void TK(row_dot)(const void *args, int part, int parts) {
  const tk_row_dot_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *x = a->x + row * a->x_row;
    v16 sum = {};
    for (int64_t j = 0; j < a->width; j += 16) {
      v16 w = TK(v_load_at)(a->w, j, a->width, 0);
      sum = TK(v_fma)(TK(v_load_at)(x, j, a->width, 0), w, sum);
    }
    a->y[row] = TK(v_sum)(sum) + a->bias;
  }
}

static void TK(row_dot_backward_input)(const void *args, int part, int parts) {
  const tk_row_dot_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    float *dx = a->dx + row * a->dx_row;
    const v16 dy = TK(v_all)(a->dy[row]);
    for (int64_t j = 0; j < a->width; j += 16) {
      v16 w = TK(v_load_at)(a->w, j, a->width, 0);
      v16 d = TK(v_fma)(dy, w, TK(v_load_at)(dx, j, a->width, 0));
      TK(v_store_at)(dx, j, a->width, d);
    }
  }
}

static void TK(row_dot_backward_weight)(const void *args, int part, int parts) {
  const tk_row_dot_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *x = a->x + row * a->x_row;
    const v16 dy = TK(v_all)(a->dy[row]);
    for (int64_t j = begin; j < end; j += 16) {
      v16 d = TK(v_load_at)(a->dw, j, end, 0);
      TK(v_store_at)(a->dw, j, end, TK(v_fma)(dy, TK(v_load_at)(x, j, end, 0), d));
    }
  }
}

/// The square of a float is exact in float64: only the additions round.
static void TK(sum_squares)(const void *args, int part, int parts) {
  typedef double d16 __attribute__((vector_size(128)));
  const tk_sum_squares_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 4096, part, parts, &begin, &end);
  for (int64_t block = begin; block < end; block += 4096) {
    const int64_t stop = block + 4096 < end ? block + 4096 : end;
    d16 l = {};
    for (int64_t i = block; i < stop; i += 16) {
      d16 x = __builtin_convertvector(TK(v_load_at)(a->x, i, stop, 0), d16);
      l += x * x;
    }
    double t[16];
    for (int i = 0; i < 16; i++) t[i] = l[i];
    for (int half = 8; half; half /= 2)
      for (int i = 0; i < half; i++) t[i] += t[i + half];
    a->sums[block / 4096] = t[0];
  }
}

#else
#define TK_FILE "vector.c"
#include "instances.h"

void tk_exp(const void *args, int part, int parts) { TK_DISPATCH(exp, args, part, parts); }
void tk_log(const void *args, int part, int parts) { TK_DISPATCH(log, args, part, parts); }
void tk_logistic(const void *args, int part, int parts) {
  TK_DISPATCH(logistic, args, part, parts);
}
void tk_add(const void *args, int part, int parts) { TK_DISPATCH(add, args, part, parts); }
void tk_lerp(const void *args, int part, int parts) { TK_DISPATCH(lerp, args, part, parts); }
void tk_column_sum(const void *args, int part, int parts) {
  TK_DISPATCH(column_sum, args, part, parts);
}
void tk_row_dot(const void *args, int part, int parts) { TK_DISPATCH(row_dot, args, part, parts); }
void tk_row_dot_backward_input(const void *args, int part, int parts) {
  TK_DISPATCH(row_dot_backward_input, args, part, parts);
}
void tk_row_dot_backward_weight(const void *args, int part, int parts) {
  TK_DISPATCH(row_dot_backward_weight, args, part, parts);
}
void tk_sum_squares(const void *args, int part, int parts) {
  TK_DISPATCH(sum_squares, args, part, parts);
}
#endif
