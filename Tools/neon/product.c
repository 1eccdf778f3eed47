// The matrix product in its three uses, and with neither operand contiguous.
#include "harness.h"

static void product(int64_t M, int64_t N, int64_t K, int a_across, int b_across, tk_float b_type,
                    int accumulate, int bias) {
  int64_t c_row = N + 1;
  tk_gemm_args g = {
      .M = M, .N = N, .K = K,
      .A = numbers(M * K, 1), .a_row = a_across ? 1 : K, .a_column = a_across ? M : 1,
      .B = stored(K * N, b_type), .b_type = b_type, .b_row = b_across ? 1 : N, .b_column = b_across ? K : 1,
      .C = numbers(M * c_row - 1, 1), .c_row = c_row,
      .bias = bias ? numbers(N, 1) : NULL,
      .workspace = workspace(tk_gemm_workspace_bytes(3)),
  };
  if (accumulate) {
    g.from = g.C;
    g.from_row = c_row;
  }
  COMPARE("gemm", tk_gemm, &g, FLOATS(g.C, M * c_row - 1));
  release();
}

void check_product(void) {
  static const int64_t shapes[][3] = {
      {1, 1, 1},   {1, 40, 33},  {2, 5, 16},    {3, 12, 7},     {7, 13, 300}, {8, 24, 4},
      {9, 25, 17}, {17, 31, 64}, {65, 100, 70}, {100, 37, 260}, {5, 600, 9},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int layout = 0; layout < 8; layout++)
      for (tk_float type = TK_FLOAT32; type <= TK_FLOAT16; type++)
        product(shapes[i][0], shapes[i][1], shapes[i][2], layout & 1, layout >> 1 & 1, type, layout >> 2,
                layout % 3 == 0);
}
