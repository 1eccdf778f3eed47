// Rows of tables: embedding lookup, its gradient, and rotary position embedding.
#ifdef TK_SUFFIX
#include "vmath.h"

static void TK(gather)(const void *args, int part, int parts) {
  const tk_gather_args *a = args;
  const int64_t width = a->width;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *x = a->table + a->ids[row] * width;
    float *y = a->y + row * width;
    for (int64_t j = 0; j < width; j += 16) {
      v16 value = TK(v_load_at)(x, j, width, 0);
      if (a->accumulate) value = TK(v_load_at)(y, j, width, 0) + value;
      TK(v_store_at)(y, j, width, value);
    }
  }
}

/// Every part owns columns and walks all rows: two rows may name the same id.
static void TK(scatter)(const void *args, int part, int parts) {
  const tk_scatter_args *a = args;
  int64_t begin, end;
  tk_slice(a->width, 16, part, parts, &begin, &end);
  for (int64_t row = 0; row < a->rows; row++) {
    const float *dy = a->dy + row * a->width;
    float *table = a->table + a->ids[row] * a->width;
    for (int64_t j = begin; j < end; j += 16) {
      v16 sum = TK(v_load_at)(table, j, end, 0) + TK(v_load_at)(dy, j, end, 0);
      TK(v_store_at)(table, j, end, sum);
    }
  }
}

/// (x, y) ← (x·cos − y·sin, y·cos + x·sin)
static void TK(rotary)(const void *args, int part, int parts) {
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
        v16 c = TK(v_load_at)(cosine, i, half, 0), s = TK(v_load_at)(sine, i, half, 0);
        if (a->inverse) s = -s;
        v16 x = TK(v_load_at)(first, i, half, 0), y = TK(v_load_at)(second, i, half, 0);
        TK(v_store_at)(first, i, half, TK(v_fma)(x, c, -(y * s)));
        TK(v_store_at)(second, i, half, TK(v_fma)(y, c, x * s));
      }
    }
  }
}

#else
#define TK_FILE "embedding.c"
#include "instances.h"

void tk_gather(const void *args, int part, int parts) { TK_DISPATCH(gather, args, part, parts); }
void tk_scatter(const void *args, int part, int parts) { TK_DISPATCH(scatter, args, part, parts); }
void tk_rotary(const void *args, int part, int parts) { TK_DISPATCH(rotary, args, part, parts); }
#endif
