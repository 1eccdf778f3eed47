// Embedding lookup, its gradient, and rotary position embedding.
#include "floats.h"
#include "vmath.h"

TK_INLINE void gather_rows(const tk_float type, const tk_gather_args *a, int64_t begin, int64_t end) {
  const int64_t width = a->width;
  for (int64_t row = begin; row < end; row++) {
    const void *x = float_at(type, a->table, a->ids[row] * width);
    float *y = a->y + row * width;
    for (int64_t j = 0; j < width; j += 16) {
      v16 value = load_floats(type, x, j, width);
      if (a->accumulate) value = v_load_at(y, j, width, 0) + value;
      v_store_at(y, j, width, value);
    }
  }
}

TK_INLINE void gather(const void *args, int part, int parts) {
  const tk_gather_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  switch (a->type) {
    case TK_FLOAT32: gather_rows(TK_FLOAT32, a, begin, end); break;
    case TK_BFLOAT16: gather_rows(TK_BFLOAT16, a, begin, end); break;
    case TK_FLOAT16: gather_rows(TK_FLOAT16, a, begin, end); break;
  }
}
TK_KERNEL(tk_gather, gather)

/// Every part computes some columns over all rows, because two rows may have the same id.
TK_INLINE void scatter(const void *args, int part, int parts) {
  const tk_scatter_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *dy = a->dy + row * a->width;
    float *table = a->table + a->ids[row] * a->width;
    for (int64_t j = begin; j < end; j += 16) {
      v16 sum = v_load_at(table, j, end, 0) + v_load_at(dy, j, end, 0);
      v_store_at(table, j, end, sum);
    }
  }
}
TK_KERNEL(tk_scatter, scatter)

/// (x, y) ← (x·cos − y·sin, y·cos + x·sin)
TK_INLINE void rotary(const void *args, int part, int parts) {
  const tk_rotary_args *a = args;
  const int64_t half = a->rotary / 2;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *cosine = a->cosine + a->positions[row] * half;
    const float *sine = a->sine + a->positions[row] * half;
    for (int64_t head = 0; head < a->heads; head++) {
      float *first = a->x + row * a->x_row + head * a->head_dim, *second = first + half;
      for (int64_t i = 0; i < half; i += 16) {
        v16 c = v_load_at(cosine, i, half, 0), s = v_load_at(sine, i, half, 0);
        if (a->inverse) s = -s;
        v16 x = v_load_at(first, i, half, 0), y = v_load_at(second, i, half, 0);
        v_store_at(first, i, half, v_fma(x, c, -(y * s)));
        v_store_at(second, i, half, v_fma(y, c, x * s));
      }
    }
  }
}
TK_KERNEL(tk_rotary, rotary)
