// Gather, scatter and rotary positions.
#include "harness.h"

static void table(int64_t rows, int64_t width) {
  int32_t vocabulary = 9;
  float *values = numbers(vocabulary * width, 1);
  tk_gather_args g = {
      .rows = rows, .width = width, .ids = indices(rows, vocabulary), .table = values,
      .y = numbers(rows * width, 1)};
  for (g.accumulate = 0; g.accumulate < 2; g.accumulate++)
    COMPARE("gather", tk_gather, &g, FLOATS(g.y, rows * width));
  for (g.type = TK_BFLOAT16; g.type <= TK_FLOAT16; g.type++) {
    g.table = stored(vocabulary * width, g.type);
    COMPARE("gather", tk_gather, &g, FLOATS(g.y, rows * width));
  }
  tk_dropout_args d = {
      .rows = rows, .width = width, .x = numbers(rows * width, 2), .from = numbers(rows * width, 1),
      .y = numbers(rows * width, 1), .key = {1, 2}, .site = 3, .threshold = 1u << 30,
      .first_row = 9, .scale = 1.5f};
  COMPARE("dropout", tk_dropout, &d, FLOATS(d.y, rows * width));
  tk_scatter_args s = {.rows = rows, .width = width, .ids = g.ids, .dy = g.y, .table = values};
  COMPARE("scatter", tk_scatter, &s, FLOATS(values, vocabulary * width));
  release();
}

static void rotary(int64_t rows, int64_t heads, int64_t head_dim, int64_t turned) {
  int64_t positions = 50, half = turned / 2, row = heads * head_dim + 3, count = rows * row - 3;
  tk_rotary_args r = {
      .rows = rows, .heads = heads, .head_dim = head_dim, .rotary = turned,
      .positions = indices(rows, (int32_t)positions),
      .cosine = numbers(positions * half, 1), .sine = numbers(positions * half, 1),
      .x = numbers(count, 1), .x_row = row};
  for (r.inverse = 0; r.inverse < 2; r.inverse++)
    COMPARE("rotary", tk_rotary, &r, FLOATS(r.x, count));
  release();
}

void check_embedding(void) {
  static const int64_t widths[] = {1, 15, 16, 17, 64, 100};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) table(20, widths[i]);
  rotary(9, 3, 8, 8);
  rotary(9, 2, 64, 64);
  rotary(5, 2, 80, 40);
  rotary(4, 1, 34, 34);
}
