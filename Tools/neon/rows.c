// Normalisation and the activations, forward and backward.
#include "harness.h"

static const int64_t widths[] = {1, 2, 15, 16, 17, 31, 64, 100, 193};
#define EACH_WIDTH(w) \
  for (size_t index = 0; index < sizeof widths / sizeof *widths; index++) \
    for (int64_t w = widths[index], once = 1; once; once = 0)

static void norms(int64_t rows, int64_t width, int rms, int beta, int unit_offset) {
  tk_norm_args n = {
      .rows = rows, .width = width, .x = numbers(rows * width, 3), .gamma = numbers(width, 2),
      .beta = beta ? numbers(width, 1) : NULL, .epsilon = 1e-5f, .rms = rms,
      .unit_offset = unit_offset, .y = numbers(rows * width, 1), .mean = numbers(rows, 1),
      .rstd = numbers(rows, 1),
  };
  COMPARE("norm", tk_norm, &n, FLOATS(n.y, rows * width), FLOATS(n.mean, rows),
          FLOATS(n.rstd, rows));
  tk_norm_backward_args b = {
      .rows = rows, .width = width, .dy = numbers(rows * width, 1), .x = n.x, .gamma = n.gamma,
      .mean = n.mean, .rstd = n.rstd, .rms = rms, .unit_offset = unit_offset,
      .dx = numbers(rows * width, 1), .dgamma = numbers(width, 1), .dbeta = beta ? numbers(width, 1) : NULL,
  };
  COMPARE("norm_backward_input", tk_norm_backward_input, &b, FLOATS(b.dx, rows * width));
  COMPARE("norm_backward_parameters", tk_norm_backward_parameters, &b, FLOATS(b.dgamma, width),
          FLOATS(b.dbeta, beta ? width : 0));
  release();
}

static void head_norms(int64_t rows, int64_t heads, int64_t dim, int unit_offset) {
  const int64_t stride = heads * dim + 3;
  tk_head_norm_args n = {
      .rows = rows, .heads = heads, .head_dim = dim, .x = numbers(rows * stride, 3), .x_row = stride,
      .gamma = numbers(dim, 2), .epsilon = 1e-5f, .unit_offset = unit_offset,
      .y = numbers(rows * stride, 1), .y_row = stride, .rstd = numbers(rows * heads, 1),
  };
  COMPARE("head_norm", tk_head_norm, &n, FLOATS(n.y, rows * stride), FLOATS(n.rstd, rows * heads));
  tk_head_norm_backward_args b = {
      .rows = rows, .heads = heads, .head_dim = dim, .x = n.x, .x_row = stride, .gamma = n.gamma,
      .rstd = n.rstd, .unit_offset = unit_offset, .dy = numbers(rows * stride, 1), .dy_row = stride,
      .dgamma = numbers(dim, 1),
  };
  COMPARE("head_norm_backward_parameters", tk_head_norm_backward_parameters, &b,
          FLOATS(b.dgamma, dim));
  COMPARE("head_norm_backward_input", tk_head_norm_backward_input, &b, FLOATS(b.dy, rows * stride));
  release();
}

static void activations(int64_t rows, int64_t width, tk_activation activation, int gated) {
  const int64_t count = rows * width, inputs = (gated ? 2 : 1) * count;
  tk_activate_args a = {
      .rows = rows, .width = width, .x = numbers(inputs, 6), .y = numbers(count, 1),
      .activation = activation, .gated = gated};
  COMPARE("activate", tk_activate, &a, FLOATS(a.y, count));
  tk_activate_backward_args b = {
      .rows = rows, .width = width, .x = a.x, .dy = numbers(count, 1), .dx = numbers(inputs, 1),
      .y = numbers(count, 1), .activation = activation, .gated = gated};
  COMPARE("activate_backward", tk_activate_backward, &b, FLOATS(b.dx, inputs), FLOATS(b.y, count));
  release();
}

void check_rows(void) {
  EACH_WIDTH(width) {
    // One element less its mean has no gradient; there is nothing to compare.
    for (int kind = 0; kind < 8 && width > 1; kind++)
      norms(7, width, kind & 1, kind >> 1 & 1, kind >> 2);
    for (int kind = 0; kind < 4 && width > 1; kind++)
      head_norms(5, kind & 1 ? 3 : 1, width, kind >> 1);
    for (tk_activation activation = TK_GELU_TANH; activation <= TK_SILU; activation++)
      for (int gated = 0; gated < 2; gated++) activations(5, width, activation, gated);
  }
}
