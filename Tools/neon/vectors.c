// Elementary functions, vector operations, row and column sums, the scalar head, the optimizer.
#include "harness.h"

static void maps(int64_t count) {
  tk_map_args m = {.count = count, .x = numbers(count, 100), .y = numbers(count, 1)};
  COMPARE("exp", tk_exp, &m, FLOATS(m.y, count));
  m.y = numbers(count, 1);  // exp and logistic can be equal for a negative number
  COMPARE("logistic", tk_logistic, &m, FLOATS(m.y, count));
  tk_cap_args c = {.count = count, .x = m.x, .y = m.y, .scale = 0.1f};
  tk_cap_backward_args b = {.count = count, .y = m.y, .dy = m.x, .dx = numbers(count, 1), .scale = 0.1f};
  for (c.cap = 0; c.cap < 6; c.cap += 3) {
    b.cap = c.cap;
    COMPARE("cap", tk_cap, &c, FLOATS(m.y, count));
    COMPARE("cap_backward", tk_cap_backward, &b, FLOATS(b.dx, count));
  }
  float *positive = numbers(count, 1);
  for (int64_t i = 0; i < count; i++)
    positive[i] = (positive[i] + 1.5f) * (float)(1u << draw() % 31);
  m.x = positive;
  COMPARE("log", tk_log, &m, FLOATS(m.y, count));
  release();
}

static void vectors(int64_t count) {
  float *x = numbers(count, 1), *y = numbers(count, 1);
  tk_add_args a = {.count = count, .x = x, .y = y};
  COMPARE("add", tk_add, &a, FLOATS(y, count));
  for (int adds = 0; adds < 2; adds++) {
    tk_scale_add_args c = {
        .count = count, .scale = 0.7f, .x = x, .addend = adds ? numbers(count, 1) : NULL, .y = y};
    COMPARE("scale_add", tk_scale_add, &c, FLOATS(y, count));
  }
  tk_lerp_args l = {.count = count, .decay = 0.99f, .x = x, .y = y};
  COMPARE("lerp", tk_lerp, &l, FLOATS(y, count));
  int64_t blocks = (count + 4095) / 4096;
  tk_sum_squares_args s = {.count = count, .x = x, .sums = room((size_t)blocks * sizeof(double))};
  COMPARE("sum_squares", tk_sum_squares, &s, (output){s.sums, (size_t)blocks * sizeof(double)});
  tk_adamw_args w = {
      .count = count, .p = y, .m = numbers(count, 0.1f), .v = numbers(count, 0.1f), .g = x,
      .learning_rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.95f, .epsilon = 1e-8f,
      .weight_decay = 0.01f, .correction1 = 0.271f, .correction2 = 0.143f, .gradient_scale = 0.7f,
  };
  for (int64_t i = 0; i < count; i++) w.v[i] *= w.v[i];
  for (w.tensorflow_form = 0; w.tensorflow_form < 2; w.tensorflow_form++)
    COMPARE("adamw", tk_adamw, &w, FLOATS(w.p, count), FLOATS(w.m, count), FLOATS(w.v, count));
  release();
}

static void sums(int64_t rows, int64_t width) {
  int64_t stride = width + 2, count = rows * stride - 2;
  float *x = numbers(count, 1), *w = numbers(width, 1), *y = numbers(rows, 1);
  tk_column_sum_args c = {
      .rows = rows, .width = width, .x = x, .x_row = stride, .out = numbers(width, 1)};
  COMPARE("column_sum", tk_column_sum, &c, FLOATS(c.out, width));
  tk_row_dot_args d = {
      .rows = rows, .width = width, .x = x, .x_row = stride, .w = w, .bias = 0.3f, .y = y};
  COMPARE("row_dot", tk_row_dot, &d, FLOATS(y, rows));
  tk_row_dot_backward_args b = {
      .rows = rows, .width = width, .x = x, .x_row = stride, .w = w, .dy = y,
      .dx = numbers(count, 1), .dx_row = stride, .dw = numbers(width, 1)};
  COMPARE("row_dot_backward_input", tk_row_dot_backward_input, &b, FLOATS(b.dx, count));
  COMPARE("row_dot_backward_weight", tk_row_dot_backward_weight, &b, FLOATS(b.dw, width));
  release();
}

void check_vectors(void) {
  static const int64_t counts[] = {1, 7, 15, 16, 17, 33, 100, 4096, 5003};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    maps(counts[i]);
    vectors(counts[i]);
    sums(6, counts[i] % 1000);
    sums(1, counts[i] % 99);
  }
}
