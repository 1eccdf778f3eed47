// The float32 matrix product, C = from + A·B (+ bias), for any strides.
//
// Contract. Each element of C is one ascending chain of fused multiply-adds over k, begun at
// `from` or at 0, and continued from C from one cache block to the next; the bias is one
// separate addition after it. Instruction set, tile shape, cache blocks and number of parts
// therefore cannot change a bit. Nothing but C[0..<M, 0..<N] is written, nothing outside A and B
// read. C overlaps neither.
#include "isa.h"

enum {
  gemm_block_rows = 96,          // rows of a packed block of A
  gemm_block_depth = 256,        // most k of a packed block
  gemm_right_floats = 147456,    // packed block of B: 576 KiB, most of a second-level cache
  gemm_left_floats = gemm_block_rows * gemm_block_depth,
#if defined(__aarch64__)
  gemm_slice_rows = 8, gemm_slice_columns = 12,
#else
  gemm_slice_rows = 12, gemm_slice_columns = 32,
#endif
  gemm_slack_floats = 16,        // the last transposed store of A may run over
  gemm_part_floats = gemm_right_floats + gemm_left_floats + gemm_slack_floats,
};

size_t tk_gemm_workspace_bytes(int parts) {
  return (size_t)(parts < 1 ? 1 : parts) * gemm_part_floats * sizeof(float);
}

/// The part's own product: rows or columns of C, whichever are more, since every part packs the
/// other operand for itself. Slices are whole tiles of the widest instruction set, and the same
/// under every other: parts that find different ones in use still make up the whole.
TK_INLINE tk_gemm_args gemm_slice(const tk_gemm_args *all, int part, int parts) {
  tk_gemm_args g = *all;
  int64_t begin, end;
  g.workspace = (float *)all->workspace + (int64_t)part * gemm_part_floats;
  if (g.M > g.N) {
    tk_slice(g.M, gemm_slice_rows, part, parts, &begin, &end);
    g.M = end - begin;
    g.A += begin * g.a_row;
    g.C += begin * g.c_row;
    if (g.from) g.from += begin * g.from_row;
  } else {
    tk_slice(g.N, gemm_slice_columns, part, parts, &begin, &end);
    g.N = end - begin;
    g.B += begin * g.b_column;
    g.C += begin;
    if (g.from) g.from += begin;
    if (g.bias) g.bias += begin;
  }
  return g;
}

/// The definition, one element at a time.
static void gemm_scalar(const tk_gemm_args *all, int part, int parts) {
  const tk_gemm_args g = gemm_slice(all, part, parts);
  for (int64_t m = 0; m < g.M; m++)
    for (int64_t n = 0; n < g.N; n++) {
      const float *a = g.A + m * g.a_row, *b = g.B + n * g.b_column;
      float *c = g.C + m * g.c_row + n;
      float sum = g.from ? g.from[m * g.from_row + n] : 0;
      for (int64_t k = 0; k < g.K; k++)
        sum = __builtin_fmaf(a[k * g.a_column], b[k * g.b_row], sum);
      *c = g.bias ? sum + g.bias[n] : sum;
    }
}

/// The size of equal blocks of at most `most` that cover `count`, rounded up to `grain`.
TK_INLINE int64_t gemm_even_blocks(int64_t count, int64_t most, int64_t grain) {
  int64_t blocks = (count + most - 1) / most;
  if (blocks < 1) blocks = 1;
  int64_t size = (count + blocks - 1) / blocks;
  return (size + grain - 1) / grain * grain;
}

#if defined(__x86_64__)

TK_BEGIN_AVX2
#define TK_SUFFIX avx2
#define TK_LANES 8
#define TK_ROWS 6
#define TK_VECTORS 2
#define TK_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define TK_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#include "gemm_body.h"
TK_END

TK_BEGIN_AVX512
#define TK_SUFFIX avx512
#define TK_LANES 16
#define TK_ROWS 12
#define TK_VECTORS 2
#define TK_ZIP_LOW(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define TK_ZIP_HIGH(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#include "gemm_body.h"
TK_END

#elif defined(__aarch64__)

#define TK_SUFFIX neon
#define TK_LANES 4
#define TK_ROWS 8
#define TK_VECTORS 3
#define TK_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define TK_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#include "gemm_body.h"

#endif

void tk_gemm(const void *args, int part, int parts) {
  const tk_gemm_args *g = args;
  if (g->M <= 0 || g->N <= 0) return;
  TK_DISPATCH(tk_isa_active(), gemm, (g, part, parts))
}
