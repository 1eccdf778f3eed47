// int8 codes and the int8 matrix product.
#include "harness.h"

// Powers of two.
static float *some_factors(int64_t count) {
  float *factors = numbers(count, 1);
  for (int64_t i = 0; i < count; i++) factors[i] = (float)(1 << i % 5) / 4;
  return factors;
}

static void int8(int64_t M, int64_t N, int64_t K, tk_float type, int balanced) {
  const float *factors = balanced ? some_factors(K) : NULL;
  float *prepared = workspace(tk_int8_workspace_bytes(K, 4));
  size_t packed = tk_int8_packed_bytes(N, K), depth = (size_t)(K + 3) / 4 * 4;
  tk_int8_pack_args p = {
      .N = N, .K = K, .w = stored(N * K, type), .type = type, .codes = room(packed), .scales = numbers(N, 1),
      .row_sums = room((size_t)N * 4), .factors = factors, .workspace = prepared};
  COMPARE("int8_pack", tk_int8_pack, &p, (output){p.codes, packed}, FLOATS(p.scales, N),
          (output){p.row_sums, (size_t)N * 4});
  tk_int8_unpack_args u = {
      .rows = N, .K = K, .codes = p.codes, .scales = p.scales, .factors = factors,
      .w = numbers(N * K, 1), .w_row = K};
  COMPARE("int8_unpack", tk_int8_unpack, &u, FLOATS(u.w, N * K));
  tk_int8_quantize_args q = {
      .rows = M, .K = K, .x = numbers(M * (K + 3) - 3, 5), .x_row = K + 3,
      .codes = room((size_t)M * depth), .scales = numbers(M, 1), .factors = factors,
      .workspace = prepared};
  COMPARE("int8_quantize", tk_int8_quantize, &q, (output){q.codes, (size_t)M * depth},
          FLOATS(q.scales, M));
  for (int kind = 0; kind < 4; kind++) {
    int64_t row = N + 1;
    tk_int8_gemm_args g = {
        .M = M, .N = N, .K = K, .x = q.codes, .x_scales = q.scales, .w = p.codes,
        .w_scales = p.scales, .row_sums = p.row_sums, .bias = kind & 1 ? numbers(N, 1) : NULL,
        .y = numbers(M * row - 1, 1), .y_row = row, .accumulate = kind >> 1};
    COMPARE("int8_gemm", tk_int8_gemm, &g, FLOATS(g.y, M * row - 1));
  }
  release();
}

/// Rows that a norm or an activation computes before they are quantised.
static void computed_codes(int64_t M, int64_t K, const tk_norm_args *norm,
                           const tk_activate_args *activation) {
  const size_t depth = (size_t)(K + 3) / 4 * 4;
  float *x = norm ? norm->y : activation->y;
  tk_int8_quantize_args q = {
      .rows = M, .K = K, .x = x, .x_row = K, .codes = room((size_t)M * depth),
      .scales = numbers(M, 1), .norm = norm, .activation = activation};
  COMPARE("int8_quantize", tk_int8_quantize, &q, (output){q.codes, (size_t)M * depth},
          FLOATS(q.scales, M), FLOATS(x, M * K));
}

static void computed(int64_t M, int64_t K) {
  for (int unit_offset = 0; unit_offset < 2; unit_offset++) {
    tk_norm_args n = {
        .rows = M, .width = K, .x = numbers(M * K, 3), .gamma = numbers(K, 2), .epsilon = 1e-5f,
        .rms = 1, .unit_offset = unit_offset, .y = numbers(M * K, 1)};
    computed_codes(M, K, &n, NULL);
  }
  for (tk_activation activation = TK_GELU_TANH; activation <= TK_SILU; activation++)
    for (int gated = 0; gated < 2; gated++) {
      tk_activate_args a = {
          .rows = M, .width = K, .x = numbers((gated ? 2 : 1) * M * K, 6), .y = numbers(M * K, 1),
          .activation = activation, .gated = gated};
      computed_codes(M, K, NULL, &a);
    }
  release();
}

void check_int8(void) {
  static const int64_t shapes[][2] = {
      {1, 1}, {15, 3}, {16, 4}, {17, 5}, {40, 33}, {64, 64}, {100, 70}, {20, 1024}, {9, 200},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int64_t M = 1; M <= 13; M++) int8(M, shapes[i][0], shapes[i][1], (tk_float)(M % 3), M % 2);
  static const int64_t widths[] = {1, 15, 16, 17, 100};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) computed(5, widths[i]);
}
