// Normalisation and the activations, forward and backward.
#include "harness.h"

static const int64_t widths[] = {1, 2, 15, 16, 17, 31, 64, 100, 193};
#define EACH_WIDTH(w) \
  for (size_t index = 0; index < sizeof widths / sizeof *widths; index++) \
    for (int64_t w = widths[index], once = 1; once; once = 0)

static void norms(int64_t rows, int64_t width, int rms, int beta) {
  tk_norm_args n = {
      .rows = rows, .width = width, .x = numbers(rows * width, 3), .gamma = numbers(width, 2),
      .beta = beta ? numbers(width, 1) : NULL, .epsilon = 1e-5f, .rms = rms,
      .y = numbers(rows * width, 1), .mean = numbers(rows, 1), .rstd = numbers(rows, 1),
  };
  COMPARE("norm", tk_norm, &n, FLOATS(n.y, rows * width), FLOATS(n.mean, rows),
          FLOATS(n.rstd, rows));
  tk_norm_backward_args b = {
      .rows = rows, .width = width, .dy = numbers(rows * width, 1), .x = n.x, .gamma = n.gamma,
      .mean = n.mean, .rstd = n.rstd, .rms = rms, .dx = numbers(rows * width, 1),
      .dgamma = numbers(width, 1), .dbeta = beta ? numbers(width, 1) : NULL,
  };
  COMPARE("norm_backward_input", tk_norm_backward_input, &b, FLOATS(b.dx, rows * width));
  COMPARE("norm_backward_parameters", tk_norm_backward_parameters, &b, FLOATS(b.dgamma, width),
          FLOATS(b.dbeta, beta ? width : 0));
  release();
}

static void head_norms(int64_t rows, int64_t heads, int64_t dim) {
  const int64_t stride = heads * dim + 3;
  tk_head_norm_args n = {
      .rows = rows, .heads = heads, .head_dim = dim, .x = numbers(rows * stride, 3), .x_row = stride,
      .gamma = numbers(dim, 2), .epsilon = 1e-5f, .y = numbers(rows * stride, 1), .y_row = stride,
      .rstd = numbers(rows * heads, 1),
  };
  COMPARE("head_norm", tk_head_norm, &n, FLOATS(n.y, rows * stride), FLOATS(n.rstd, rows * heads));
  tk_head_norm_backward_args b = {
      .rows = rows, .heads = heads, .head_dim = dim, .x = n.x, .x_row = stride, .gamma = n.gamma,
      .rstd = n.rstd, .dy = numbers(rows * stride, 1), .dy_row = stride, .dgamma = numbers(dim, 1),
  };
  COMPARE("head_norm_backward_parameters", tk_head_norm_backward_parameters, &b,
          FLOATS(b.dgamma, dim));
  COMPARE("head_norm_backward_input", tk_head_norm_backward_input, &b, FLOATS(b.dy, rows * stride));
  release();
}

static void activations(int64_t rows, int64_t width) {
  int64_t count = rows * width;
  tk_gelu_args g = {.count = count, .x = numbers(count, 6), .y = numbers(count, 1)};
  tk_gelu_backward_args gb = {
      .count = count, .x = g.x, .dy = numbers(count, 1), .dx = numbers(count, 1)};
  for (g.exact = gb.exact = 0; g.exact < 2; g.exact = ++gb.exact) {
    COMPARE("gelu", tk_gelu, &g, FLOATS(g.y, count));
    COMPARE("gelu_backward", tk_gelu_backward, &gb, FLOATS(gb.dx, count));
  }
  tk_swiglu_args s = {
      .rows = rows, .width = width, .x = numbers(2 * count, 6), .y = numbers(count, 1)};
  COMPARE("swiglu", tk_swiglu, &s, FLOATS(s.y, count));
  tk_swiglu_backward_args sb = {
      .rows = rows, .width = width, .x = s.x, .dy = gb.dy, .dx = numbers(2 * count, 1)};
  COMPARE("swiglu_backward", tk_swiglu_backward, &sb, FLOATS(sb.dx, 2 * count));
  release();
}

void check_rows(void) {
  EACH_WIDTH(width) {
    // One element less its mean has no gradient; there is nothing to compare.
    for (int kind = 0; kind < 4 && width > 1; kind++) norms(7, width, kind & 1, kind >> 1);
    for (int64_t heads = 1; heads < 4 && width > 1; heads += 2) head_norms(5, heads, width);
    activations(5, width);
  }
}
