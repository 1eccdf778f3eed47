// Packs the operands of the matrix product into panels, which tiles read in order.
#ifndef TINYRLHF_GEMM_PACK_H
#define TINYRLHF_GEMM_PACK_H
#include "floats.h"

/// Number of floats in a register of a set.
TK_INLINE int register_lanes(const tk_isa isa) {
  return isa == TK_AVX512 ? 16 : isa == TK_AVX2 ? 8 : 4;
}

/// Transposes as many rows as a register has floats; rows from `rows` on are zero. Each stage interleaves row i with
/// row i + half, until all elements are in place. LOW and HIGH are the interleaved lanes of the lower and the upper
/// halves of two registers.
#define TRANSPOSE(name, lanes, LOW, HIGH)                                                          \
  TK_INLINE void name(const tk_float type, const void *from, int64_t stride, int rows, float *to,  \
                      int to_stride) {                                                             \
    typedef float line __attribute__((vector_size(4 * lanes), aligned(4)));                        \
    line old[lanes], new[lanes];                                                                   \
    UNROLL for (int i = 0; i < lanes; i++) {                                                       \
      if (i < rows) widen##lanes(type, float_at(type, from, i * stride), (float *)&old[i]);        \
      else old[i] = (line){0};                                                                     \
    }                                                                                              \
    UNROLL for (int stage = 1; stage < lanes; stage *= 2) {                                        \
      UNROLL for (int i = 0; i < lanes / 2; i++) {                                                 \
        new[2 * i] = __builtin_shufflevector(old[i], old[i + lanes / 2], TK_LIST LOW);             \
        new[2 * i + 1] = __builtin_shufflevector(old[i], old[i + lanes / 2], TK_LIST HIGH);        \
      }                                                                                            \
      UNROLL for (int i = 0; i < lanes; i++) old[i] = new[i];                                      \
    }                                                                                              \
    UNROLL for (int i = 0; i < lanes; i++) *(line *)(to + i * to_stride) = old[i];                 \
  }
TRANSPOSE(transpose4, 4, (0, 4, 1, 5), (2, 6, 3, 7))
TRANSPOSE(transpose8, 8, (0, 8, 1, 9, 2, 10, 3, 11), (4, 12, 5, 13, 6, 14, 7, 15))
TRANSPOSE(transpose16, 16, (0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
          (8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
#undef TRANSPOSE

TK_INLINE void transpose(const int lanes, const tk_float type, const void *from, int64_t stride, int rows,
                         float *to, int to_stride) {
  if (lanes == 16) transpose16(type, from, stride, rows, to, to_stride);
  else if (lanes == 8) transpose8(type, from, stride, rows, to, to_stride);
  else transpose4(type, from, stride, rows, to, to_stride);
}

TK_INLINE void widen(const int lanes, const tk_float type, const void *from, float *to) {
  if (lanes == 16) widen16(type, from, to);
  else if (lanes == 8) widen8(type, from, to);
  else widen4(type, from, to);
}

/// Packs one panel [kc, width] from `rows` ≤ width rows that are contiguous along k. If the panel is narrower than a
/// register, each store overwrites the beginning of the next line, which is written later; the workspace has room for
/// this after the last panel. The last step begins at kc − lanes, so some k may be packed twice.
TK_INLINE void pack_panel_transposed(const int lanes, const tk_float type, const void *from, int64_t stride,
                                     int rows, int64_t kc, const int width, float *to) {
  for (int64_t k = 0; k < kc; k += lanes) {
    if (k + lanes > kc) k = kc - lanes;
    UNROLL for (int r = 0; r < width; r += lanes) {
      const void *corner = float_at(type, from, (r < rows ? r * stride : 0) + k);
      const int all = width < lanes ? width : lanes;
      float *line = to + k * width + r;
      if (rows - r >= all) transpose(lanes, type, corner, stride, all, line, width);
      else transpose(lanes, type, corner, stride, rows - r, line, width);
    }
  }
}

/// Packs panels from a source that is contiguous across the panel. It packs a few k at a time for all panels, so that
/// the source is read in order, and prefetches the lines that are needed two such rounds later.
TK_INLINE void pack_copied(const int lanes, const tk_float type, const void *from, int64_t stride,
                           int64_t count, int64_t kc, const int width, float *to) {
  for (int64_t k0 = 0; k0 < kc; k0 += 8) {
    int64_t k1 = k0 + 8 < kc ? k0 + 8 : kc;
    for (int64_t i = 0; i < count; i += width) {
      float *panel = to + i * kc;
      int64_t rows = count - i;
      for (int64_t k = k0; k < k1; k++) {
        const void *line = float_at(type, from, k * stride + i);
        __builtin_prefetch(float_at(type, line, 16 * stride));
        if (width > 16) __builtin_prefetch(float_at(type, line, 16 * stride + 16));
        if (rows >= width && type == TK_FLOAT32) {
          __builtin_memcpy(panel + k * width, line, (size_t)width * sizeof(float));
        } else if (rows >= width) {  // weights, whose panels are whole registers wide
          UNROLL for (int r = 0; r < width; r += lanes)
            widen(lanes, type, float_at(type, line, r), panel + k * width + r);
        } else {
          for (int64_t r = 0; r < width; r++) panel[k * width + r] = r < rows ? load_float(type, line, r) : 0;
        }
      }
    }
  }
}

/// Packs element (i, k) = from[i*stride + k*k_stride], i < count, k < kc, into panels of `width`:
/// to[panel][k][i in panel], zeros where i ≥ count.
TK_INLINE void pack(const int lanes, const tk_float type, const void *from, int64_t stride, int64_t k_stride,
                    int64_t count, int64_t kc, const int width, float *to) {
  if (k_stride != 1 && stride == 1) {
    pack_copied(lanes, type, from, k_stride, count, kc, width, to);
    return;
  }
  for (int64_t i = 0; i < count; i += width) {
    const void *corner = float_at(type, from, i * stride);
    float *panel = to + i * kc;
    int rows = (int)(count - i < width ? count - i : width);
    if (k_stride == 1 && kc >= lanes) {
      pack_panel_transposed(lanes, type, corner, stride, rows, kc, width, panel);
      continue;
    }
    for (int64_t k = 0; k < kc; k++)
      for (int r = 0; r < width; r++)
        panel[k * width + r] = r < rows ? load_float(type, corner, r * stride + k * k_stride) : 0;
  }
}

#endif
