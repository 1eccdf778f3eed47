// The register-blocked int8 product of one instruction set; int8.c includes this file once per
// set, with
//   TK_SUFFIX  of the functions' names; int8_left_load_SUFFIX and int8_dot_SUFFIX exist
//   TK_WIDE    a register of int32 sums, or of as many times four weights
//   TK_LEFT    four activations, in every lane, as the dot product wants them
//   TK_ROWS    rows of a register tile
//   TK_PANELS  panels of 16 outputs across a register tile
//   TK_OFFSET  what the dot product adds to every activation
// A tile of sums lives in registers while all of K runs.

// Every function that takes or returns a v16 is inlined into its caller, so that no vector crosses
// a real call and the calling convention that the warning is about is never used.
#pragma clang diagnostic ignored "-Wpsabi"

#define TK_JOIN2(name, suffix) name##_##suffix
#define TK_JOIN(name, suffix) TK_JOIN2(name, suffix)
#define NAME(name) TK_JOIN(name, TK_SUFFIX)
#define UNROLL _Pragma("clang loop unroll(full)")
enum { NAME(int8_split) = 64 / sizeof(TK_WIDE) };  // registers to a panel
#define SPLIT NAME(int8_split)

/// 16 elements, or the first `count` and zeros.
TK_INLINE v16 NAME(int8_floats)(const float *from, int64_t count) {
  if (count >= 16) return *(const v16 *)from;
  v16 some = {0};
  __builtin_memcpy(&some, from, (size_t)count * sizeof(float));
  return some;
}

/// sums → y for `rows` rows of a panel of which `count` outputs exist. What is not added is −0, the
/// one number that leaves every other as it is, so that nothing here depends on which it is.
TK_INLINE void NAME(int8_finish)(const int rows, const tk_int8_gemm_args *g, int64_t m, int64_t n,
                                 int64_t count, const i16 *sums) {
  static const v16 nothing = {-0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f,
                              -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f, -0.0f};
  const v16 w_scale = NAME(int8_floats)(g->w_scales + n, count);
  const v16 bias = g->bias ? NAME(int8_floats)(g->bias + n, count) : nothing;
  float *y = g->y + m * g->y_row + n;
  const float *base = g->accumulate ? y : (const float *)&nothing;
  const int64_t base_row = g->accumulate ? g->y_row : 0;
  if (count >= 16) {
    UNROLL for (int r = 0; r < rows; r++) {
      const v16 scale = g->x_scales[m + r] * w_scale;
      const v16 t = __builtin_convertvector(sums[r], v16) * scale + bias;
      *(v16 *)(y + r * g->y_row) = *(const v16 *)(base + r * base_row) + t;
    }
    return;
  }
  UNROLL for (int r = 0; r < rows; r++) {
    const v16 scale = g->x_scales[m + r] * w_scale;
    v16 t = __builtin_convertvector(sums[r], v16) * scale + bias;
    t = NAME(int8_floats)(base + r * base_row, count) + t;
    __builtin_memcpy(y + r * g->y_row, &t, (size_t)count * sizeof(float));
  }
}

/// Rows m ..< m + rows of `panels` panels from output n on. Both numbers are constants at every
/// call, so that the sums are registers. `ahead` are weights that will be needed next: 16 bytes of
/// them for each k are asked of memory meanwhile.
TK_INLINE void NAME(int8_tile_of)(const int rows, const int panels, const tk_int8_gemm_args *g,
                                  int64_t m, int64_t n, const int8_t *ahead) {
  int64_t depth = (g->K + 3) / 4 * 4;
  const int8_t *x = g->x + m * depth, *w = g->w + n * depth;
  TK_WIDE sum[TK_ROWS][TK_PANELS][SPLIT];
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int p = 0; p < panels; p++)
      UNROLL for (int s = 0; s < SPLIT; s++) sum[r][p][s] = (TK_WIDE){0};
  for (int64_t k = 0; k < depth; k += 4) {
    TK_WIDE right[TK_PANELS][SPLIT];
    __builtin_prefetch(ahead + 16 * k, 0, 2);
    UNROLL for (int p = 0; p < panels; p++)
      __builtin_memcpy(right[p], w + 16 * (p * depth + k), 64);
    UNROLL for (int r = 0; r < rows; r++) {
      TK_LEFT left = NAME(int8_left_load)(x + r * depth + k);
      UNROLL for (int p = 0; p < panels; p++)
        UNROLL for (int s = 0; s < SPLIT; s++)
          sum[r][p][s] = NAME(int8_dot)(sum[r][p][s], left, right[p][s]);
    }
  }
  UNROLL for (int p = 0; p < panels; p++) {
    const int64_t from = n + 16 * p, count = g->N - from;
    i16 excess = {0}, total[TK_ROWS];
    if (TK_OFFSET) {
      __builtin_memcpy(&excess, g->row_sums + from, count >= 16 ? 64 : (size_t)count * 4);
      excess *= TK_OFFSET;
    }
    UNROLL for (int r = 0; r < rows; r++) {
      __builtin_memcpy(&total[r], sum[r][p], 64);
      total[r] -= excess;
    }
    NAME(int8_finish)(rows, g, m, from, count, total);
  }
}

#define TILE(r, p) \
  case r: if (r <= TK_ROWS) NAME(int8_tile_of)(r <= TK_ROWS ? r : 1, p, g, m, n, ahead); break;
#define TILES(p)                                                                             \
  static void NAME(int8_tile_##p)(int rows, const tk_int8_gemm_args *g, int64_t m, int64_t n, \
                                  const int8_t *ahead) {                                      \
    switch (rows) { TILE(1, p) TILE(2, p) TILE(3, p) TILE(4, p) TILE(5, p) TILE(6, p) }      \
  }
TILES(1)
#if TK_PANELS >= 2
TILES(2)
#endif
#if TK_PANELS >= 4
TILES(3)
TILES(4)
#endif
#undef TILES
#undef TILE

static void NAME(int8_tile)(int rows, int panels, const tk_int8_gemm_args *g,
                            int64_t m, int64_t n, const int8_t *ahead) {
  switch (panels) {
    case 1: NAME(int8_tile_1)(rows, g, m, n, ahead); break;
#if TK_PANELS >= 2
    case 2: NAME(int8_tile_2)(rows, g, m, n, ahead); break;
#endif
#if TK_PANELS >= 4
    case 3: NAME(int8_tile_3)(rows, g, m, n, ahead); break;
    case 4: NAME(int8_tile_4)(rows, g, m, n, ahead); break;
#endif
  }
}

/// A few panels at a time through the rows: the panels stay in the second-level cache meanwhile, and
/// the next ones come from memory, a panel with each tile.
static void NAME(int8_gemm)(const tk_int8_gemm_args *g, int part, int parts) {
  int64_t row = 0, rows = g->M, begin = 0, end = g->N, step;
  if (int8_parts_are_rows(g, parts)) tk_slice(g->M, 1, part, parts, &row, &rows);
  else tk_slice(g->N, 16, part, parts, &begin, &end);
  rows -= row;
  int64_t tiles = (rows + TK_ROWS - 1) / TK_ROWS, depth = (g->K + 3) / 4 * 4;
  for (int64_t n = begin; n < end; n += step) {
    int64_t panels = (end - n + 15) / 16;
    if (panels > TK_PANELS) panels = TK_PANELS;
    step = 16 * panels;
    for (int64_t tile = 0; tile < tiles; tile++) {
      int64_t m = rows * tile / tiles, next = rows * (tile + 1) / tiles;
      const int8_t *ahead = g->w + (n + step + 16 * tk_least(tile, panels - 1)) * depth;
      NAME(int8_tile)((int)(next - m), (int)panels, g, row + m, n, ahead);
    }
  }
}

#undef TK_JOIN2
#undef TK_JOIN
#undef NAME
#undef UNROLL
#undef SPLIT
#undef TK_SUFFIX
#undef TK_WIDE
#undef TK_LEFT
#undef TK_ROWS
#undef TK_PANELS
#undef TK_OFFSET
