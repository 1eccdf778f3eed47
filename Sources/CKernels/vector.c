// Sums, averages and dot products of long vectors and of rows, and the elementary functions.
#include "vmath.h"

TK_INLINE void vector_exp(const void *args, int part, int parts) {
  const tk_map_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16)
    v_store_at(a->y, i, end, v_exp(v_load_at(a->x, i, end, 0)));
}
TK_KERNEL(tk_exp, vector_exp)

TK_INLINE void vector_log(const void *args, int part, int parts) {
  const tk_map_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16)
    v_store_at(a->y, i, end, v_log(v_load_at(a->x, i, end, 1)));
}
TK_KERNEL(tk_log, vector_log)

TK_INLINE void logistic(const void *args, int part, int parts) {
  const tk_map_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16)
    v_store_at(a->y, i, end, v_logistic(v_load_at(a->x, i, end, 0)));
}
TK_KERNEL(tk_logistic, logistic)

TK_INLINE void cap(const void *args, int part, int parts) {
  const tk_cap_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 x = v_load_at(a->x, i, end, 0);
    v_store_at(a->y, i, end, a->cap > 0 ? v_tanh(x * (a->scale / a->cap)) * a->cap : x * a->scale);
  }
}
TK_KERNEL(tk_cap, cap)

TK_INLINE void cap_backward(const void *args, int part, int parts) {
  const tk_cap_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 dx = v_load_at(a->dy, i, end, 0) * a->scale;
    if (a->cap > 0) {
      v16 t = v_load_at(a->y, i, end, 0) / a->cap;
      dx *= v_fma(-t, t, v_all(1));
    }
    v_store_at(a->dx, i, end, dx);
  }
}
TK_KERNEL(tk_cap_backward, cap_backward)

TK_INLINE void add(const void *args, int part, int parts) {
  const tk_add_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 sum = v_load_at(a->y, i, end, 0) + v_load_at(a->x, i, end, 0);
    v_store_at(a->y, i, end, sum);
  }
}
TK_KERNEL(tk_add, add)

TK_INLINE void scale_add_of(const int adds, const tk_scale_add_args *a, int part, int parts) {
  const v16 scale = v_all(a->scale);
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 x = v_load_at(a->x, i, end, 0);
    v_store_at(a->y, i, end, adds ? v_fma(scale, x, v_load_at(a->addend, i, end, 0)) : scale * x);
  }
}

/// Calls scale_add_of with a constant that says whether there is an addend.
TK_INLINE void scale_add(const void *args, int part, int parts) {
  const tk_scale_add_args *a = args;
  if (a->addend) scale_add_of(1, a, part, parts);
  else scale_add_of(0, a, part, parts);
}
TK_KERNEL(tk_scale_add, scale_add)

TK_INLINE void lerp(const void *args, int part, int parts) {
  const tk_lerp_args *a = args;
  const v16 decay = v_all(a->decay), rest = v_all(1.0f - a->decay);
  int64_t begin, end;
  tk_slice(a->count, 16, part, parts, &begin, &end);
  for (int64_t i = begin; i < end; i += 16) {
    v16 step = rest * v_load_at(a->x, i, end, 0);
    v_store_at(a->y, i, end, v_fma(decay, v_load_at(a->y, i, end, 0), step));
  }
}
TK_KERNEL(tk_lerp, lerp)

/// Every part computes some columns over all rows, so that each sum is one ascending chain.
TK_INLINE void column_sum(const void *args, int part, int parts) {
  const tk_column_sum_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *x = a->x + row * a->x_row;
    for (int64_t j = begin; j < end; j += 16) {
      v16 sum = v_load_at(a->out, j, end, 0) + v_load_at(x, j, end, 0);
      v_store_at(a->out, j, end, sum);
    }
  }
}
TK_KERNEL(tk_column_sum, column_sum)

TK_INLINE void row_dot(const void *args, int part, int parts) {
  const tk_row_dot_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *x = a->x + row * a->x_row;
    v16 sum = {};
    for (int64_t j = 0; j < a->width; j += 16) {
      v16 w = v_load_at(a->w, j, a->width, 0);
      sum = v_fma(v_load_at(x, j, a->width, 0), w, sum);
    }
    a->y[row] = v_sum(sum) + a->bias;
  }
}
TK_KERNEL(tk_row_dot, row_dot)

TK_INLINE void row_dot_backward_input(const void *args, int part, int parts) {
  const tk_row_dot_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    float *dx = a->dx + row * a->dx_row;
    const v16 dy = v_all(a->dy[row]);
    for (int64_t j = 0; j < a->width; j += 16) {
      v16 w = v_load_at(a->w, j, a->width, 0);
      v16 d = v_fma(dy, w, v_load_at(dx, j, a->width, 0));
      v_store_at(dx, j, a->width, d);
    }
  }
}
TK_KERNEL(tk_row_dot_backward_input, row_dot_backward_input)

TK_INLINE void row_dot_backward_weight(const void *args, int part, int parts) {
  const tk_row_dot_backward_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *x = a->x + row * a->x_row;
    const v16 dy = v_all(a->dy[row]);
    for (int64_t j = begin; j < end; j += 16) {
      v16 d = v_load_at(a->dw, j, end, 0);
      v_store_at(a->dw, j, end, v_fma(dy, v_load_at(x, j, end, 0), d));
    }
  }
}
TK_KERNEL(tk_row_dot_backward_weight, row_dot_backward_weight)

/// The square of a float32 is exact in float64; only the additions round.
TK_INLINE void sum_squares(const void *args, int part, int parts) {
  typedef double d16 __attribute__((vector_size(128)));
  const tk_sum_squares_args *a = args;
  int64_t begin, end;
  tk_slice(a->count, 4096, part, parts, &begin, &end);
  for (int64_t block = begin; block < end; block += 4096) {
    const int64_t stop = block + 4096 < end ? block + 4096 : end;
    d16 l = {};
    for (int64_t i = block; i < stop; i += 16) {
      d16 x = __builtin_convertvector(v_load_at(a->x, i, stop, 0), d16);
      l += x * x;
    }
    double t[16];
    for (int i = 0; i < 16; i++) t[i] = l[i];
    for (int half = 8; half; half /= 2)
      for (int i = 0; i < half; i++) t[i] += t[i + half];
    a->sums[block / 4096] = t[0];
  }
}
TK_KERNEL(tk_sum_squares, sum_squares)
