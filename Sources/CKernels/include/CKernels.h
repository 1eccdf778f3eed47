// The arithmetic of tinyrlhf. Each operation has one argument record and one file.
//
// Every kernel is `void tk_name(const void *arguments, int part, int parts)`. It computes slice number `part` of
// `parts` disjoint slices of its *outputs* and never reduces across slices, so the bytes that it writes do not
// depend on `parts`. Matrices are row-major float32; members named "row" are strides in elements. No kernel
// allocates, prints, keeps state, or calls libm.
//
// Exactness, for every kernel and instruction set:
//   * each element of a matrix product is one ascending chain of fused multiply-adds over the
//     inner index; the chain begins at the destination if `accumulate` is set;
//   * every other reduction over a row uses 16 virtual lanes (element i in lane i mod 16, each
//     lane ascending) and then one fixed tree: l[i] + l[i+8], then +4, +2, +1;
//   * a sum over tokens (rows) is one ascending chain that begins at the destination.
#ifndef TINYRLHF_CKERNELS_H
#define TINYRLHF_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// ---------------------------------------------------------------- instruction sets

typedef enum { TK_SCALAR = 0, TK_AVX2 = 1, TK_AVX512 = 2, TK_NEON = 3 } tk_isa;

/// Whether this CPU and operating system (XCR0) can run `isa`. AVX2 includes FMA; AVX512 means
/// F+BW+DQ+VL and VNNI.
int tk_isa_available(tk_isa isa);
/// The instruction set in use: the one that was forced; else the one that TINYRLHF_ISA names
/// (scalar, avx2, avx512, neon; read at the first use); else the best available.
tk_isa tk_isa_active(void);
/// Forces `isa`; returns 0 if it is not available. Must not be called while kernels run.
int tk_isa_force(tk_isa isa);

// ---------------------------------------------------------------- stored weights (floats.h)

/// How frozen weights are stored. A kernel widens bfloat16 and float16 to float32 as it reads them, which is exact, so
/// its results have the same bits as for the same weights in float32.
typedef enum { TK_FLOAT32 = 0, TK_BFLOAT16 = 1, TK_FLOAT16 = 2 } tk_float;

// ---------------------------------------------------------------- matrix product (gemm.c)

/// C(m,n) = from(m,n) + Σ_k A(m,k)·B(k,n) + bias(n): the chain begins at `from`, or at 0.
/// A(m,k) = A[m*a_row + k*a_column]; B(k,n) = B[k*b_row + n*b_column]; C(m,n) = C[m*c_row + n].
/// The three products of training are this product with different strides:
///   y = x·Wᵀ:   A = x,            B(k,n) = W[n*K + k]
///   dx = dy·W:  A = dy,           B = W
///   dW += dyᵀ·x: A(m,k) = dy[k*N + m], B = x, `from` is C
/// B may be stored in 16 bits. The strides count elements.
/// C must not overlap A or B. `bias` (may be NULL) is added once, after the chain.
typedef struct {
  int64_t M, N, K;
  const float *A; int64_t a_row, a_column;
  const void *B; tk_float b_type; int64_t b_row, b_column;
  float *C; int64_t c_row;
  const float *from; int64_t from_row;  // C, a matrix that does not overlap C, or NULL
  const float *bias;   // [N] or NULL
  void *workspace;     // tk_gemm_workspace_bytes(parts), 64-byte aligned; packing panels
} tk_gemm_args;
void tk_gemm(const void *args, int part, int parts);
size_t tk_gemm_workspace_bytes(int parts);

// ---------------------------------------------------------------- normalisation (norm.c)

/// LayerNorm (beta may be NULL), or RMSNorm if `rms` (mean is then 0 and not subtracted):
///   y = (x − mean)·rstd·scale + beta,  rstd = 1/√(variance + epsilon)
/// The scale is gamma, or 1 + gamma if `unit_offset`, as in Gemma. The gradient of gamma is the same for both.
typedef struct {
  int64_t rows, width;
  const float *x;      // [rows, width]
  const float *gamma;  // [width]
  const float *beta;   // [width] or NULL
  float epsilon;
  int rms, unit_offset;
  float *y;            // [rows, width]
  float *mean, *rstd;  // [rows]; each may be NULL if there is no backward pass
} tk_norm_args;
void tk_norm(const void *args, int part, int parts);

typedef struct {
  int64_t rows, width;
  const float *dy, *x;       // [rows, width]
  const float *gamma;        // [width]
  const float *mean, *rstd;  // [rows], from the forward pass
  int rms, unit_offset;
  float *dx;                 // [rows, width], added to  (tk_norm_backward_input)
  const float *beta;         // [width] or NULL
  float *y;                  // [rows, width] or NULL: receives the forward pass's output, same bits
  float *dgamma, *dbeta;     // [width], added to; each may be NULL  (tk_norm_backward_parameters)
} tk_norm_backward_args;
void tk_norm_backward_input(const void *args, int part, int parts);
void tk_norm_backward_parameters(const void *args, int part, int parts);

/// RMSNorm of each query or key head of a row; all heads share one gamma (head_norm.c).
typedef struct {
  int64_t rows, heads, head_dim;
  const float *x; int64_t x_row;   // stride between rows; head h begins at h*head_dim
  const float *gamma;              // [head_dim]
  float epsilon;
  int unit_offset;                 // as in tk_norm_args
  float *y; int64_t y_row;         // may be x
  float *rstd;                     // [rows, heads], or NULL if there is no backward pass
} tk_head_norm_args;
void tk_head_norm(const void *args, int part, int parts);
/// tk_head_norm_backward_parameters: dgamma += Σ dy·n, rows and then heads ascending; n = x·rstd.
/// tk_head_norm_backward_input: overwrites dy with dx, so it must be called second.
typedef struct {
  int64_t rows, heads, head_dim;
  const float *x; int64_t x_row;
  const float *gamma, *rstd;       // from the forward pass
  int unit_offset;
  float *dy; int64_t dy_row;
  float *dgamma;                   // [head_dim]
} tk_head_norm_backward_args;
void tk_head_norm_backward_input(const void *args, int part, int parts);
void tk_head_norm_backward_parameters(const void *args, int part, int parts);

// ---------------------------------------------------------------- activations (activation.c)

/// SiLU is x·σ(x). GELU is x·Φ(x) with the normal distribution function Φ (exact), or its approximation
/// ½x(1 + tanh(√(2/π)(x + 0.044715x³))).
typedef enum { TK_GELU_TANH = 0, TK_GELU_EXACT = 1, TK_SILU = 2 } tk_activation;
/// y [rows, width] = act(x), x [rows, width]; y may be x. If `gated`, y = act(gate)·up instead: a row of `x` is
/// gate[width], then up[width], x [rows, 2*width], and y must not overlap x.
typedef struct {
  int64_t rows, width; const float *x; float *y; tk_activation activation; int gated;
} tk_activate_args;
void tk_activate(const void *args, int part, int parts);
/// Computes dx (like x) from dy [rows, width], and y [rows, width] with the same bits as in the forward pass. y may
/// be NULL. Without a gate, dx and y may each be x or dy. If `gated`, dx may be x, and y may be dy.
typedef struct {
  int64_t rows, width; const float *x, *dy; float *dx, *y; tk_activation activation; int gated;
} tk_activate_backward_args;
void tk_activate_backward(const void *args, int part, int parts);

// ---------------------------------------------------------------- elementary functions

/// y = exp(x); y = log(x) for positive normal x; y = 1/(1 + exp(−x)). y may be x. Results depend on these functions
/// only, never on others' exp or log. The error is within 2.5 units in the last place (vmath.h).
typedef struct { int64_t count; const float *x; float *y; } tk_map_args;
void tk_exp(const void *args, int part, int parts);       // (vector.c)
void tk_log(const void *args, int part, int parts);
void tk_logistic(const void *args, int part, int parts);

/// y = cap·tanh(scale·x / cap), or scale·x if cap is 0. For logits. y may be x. The error of tanh is within 1.5 units
/// in the last place (vmath.h).
typedef struct { int64_t count; const float *x; float *y; float scale, cap; } tk_cap_args;
void tk_cap(const void *args, int part, int parts);
/// dx = dy·scale·(1 − (y/cap)²), or dy·scale if cap is 0. `y` is the output of tk_cap; it is not read if cap is 0.
/// dx may be dy.
typedef struct { int64_t count; const float *y, *dy; float *dx; float scale, cap; } tk_cap_backward_args;
void tk_cap_backward(const void *args, int part, int parts);

// ---------------------------------------------------------------- vectors (vector.c)

/// y += x
typedef struct { int64_t count; const float *x; float *y; } tk_add_args;
void tk_add(const void *args, int part, int parts);
/// y = addend + scale·x with one rounding, or y = scale·x if `addend` is NULL. y may be x or addend. With dy as x, it
/// is also the backward pass.
typedef struct { int64_t count; float scale; const float *x, *addend; float *y; } tk_scale_add_args;
void tk_scale_add(const void *args, int part, int parts);
/// y = decay·y + (1 − decay)·x   (moving average of weights)
typedef struct { int64_t count; float decay; const float *x; float *y; } tk_lerp_args;
void tk_lerp(const void *args, int part, int parts);
/// out(j) += Σ_i x(i,j), rows ascending. For bias gradients.
typedef struct { int64_t rows, width; const float *x; int64_t x_row; float *out; } tk_column_sum_args;
void tk_column_sum(const void *args, int part, int parts);
/// y(i) = Σ_j x(i,j)·w(j) + bias, summed in 16 lanes. For the scalar head.
typedef struct {
  int64_t rows, width; const float *x; int64_t x_row; const float *w; float bias; float *y;
} tk_row_dot_args;
void tk_row_dot(const void *args, int part, int parts);
/// tk_row_dot_backward_input: dx(i,j) += dy(i)·w(j).
/// tk_row_dot_backward_weight: dw(j) += Σ_i dy(i)·x(i,j), rows ascending.
typedef struct {
  int64_t rows, width; const float *x; int64_t x_row; const float *w; const float *dy;
  float *dx; int64_t dx_row; float *dw;
} tk_row_dot_backward_args;
void tk_row_dot_backward_input(const void *args, int part, int parts);
void tk_row_dot_backward_weight(const void *args, int part, int parts);
/// Sums of squares of blocks of 4,096 elements in float64: sums[⌈count/4096⌉]. Within a block: 16 lanes and the tree,
/// in float64.
typedef struct { int64_t count; const float *x; double *sums; } tk_sum_squares_args;
void tk_sum_squares(const void *args, int part, int parts);

// ---------------------------------------------------------------- dropout (dropout.c)

/// y = from + x·scale if the element is kept, else y = from. `from` may be NULL for 0; y may be x or from. Element j of
/// row i is kept if word w of a Philox 4×32-10 block is at least `threshold`; with j = 64g + 16w + l, the block's
/// counter is (16g + l, the two words of first_row + i, site).
typedef struct {
  int64_t rows, width; const float *x, *from; float *y;
  uint32_t key[2], site, threshold; int64_t first_row; float scale;
} tk_dropout_args;
void tk_dropout(const void *args, int part, int parts);

// ---------------------------------------------------------------- embedding (embedding.c)

/// y(i,:) = table(ids[i],:), or += if `accumulate`.
typedef struct {
  int64_t rows, width; const int32_t *ids; const void *table; tk_float type; float *y; int accumulate;
} tk_gather_args;
void tk_gather(const void *args, int part, int parts);
/// table(ids[i],:) += dy(i,:), rows ascending.
typedef struct { int64_t rows, width; const int32_t *ids; const float *dy; float *table; } tk_scatter_args;
void tk_scatter(const void *args, int part, int parts);

/// Rotates in place the first `rotary` elements of each of `heads` heads in every row. The pairs are
/// (i, i + rotary/2). `inverse` rotates back; it is the backward pass.
typedef struct {
  int64_t rows, heads, head_dim, rotary;
  const int32_t *positions;      // [rows]
  const float *cosine, *sine;    // [any number of positions, rotary/2]
  float *x; int64_t x_row;
  int inverse;
} tk_rotary_args;
void tk_rotary(const void *args, int part, int parts);

// ---------------------------------------------------------------- attention (attention.c)

#include "CKernelsAttention.h"

// ---------------------------------------------------------------- softmax (softmax.c)

/// Computes for each row of logits, scaled by `inverse_temperature`: log Σ exp, the log-probability of
/// `targets`, and the entropy in nats.
typedef struct {
  int64_t rows, vocabulary;
  const float *logits;          // [rows, vocabulary]
  float inverse_temperature;
  const int32_t *targets;       // [rows]
  float *lse, *logprob;         // [rows]
  float *entropy;               // [rows] or NULL
} tk_log_softmax_args;
void tk_log_softmax(const void *args, int part, int parts);

/// logits ← ∂L/∂logits, given ∂L/∂logprob(target) of each row:
///   d(row) · inverse_temperature · (onehot(target) − softmax)
typedef struct {
  int64_t rows, vocabulary;
  float *logits;
  float inverse_temperature;
  const int32_t *targets;
  const float *lse, *d_logprob; // [rows]
} tk_log_softmax_backward_args;
void tk_log_softmax_backward(const void *args, int part, int parts);

/// Samples one token per row from softmax(inverse_temperature·logits): the first token whose cumulative weight, in
/// ascending order, exceeds uniform·total. Weights are accumulated in float64 over blocks of tokens (each summed with
/// 16 lanes and the tree), then within the block. Tokens with logit −∞ are never sampled. inverse_temperature 0
/// chooses the arg max (the lowest id among equals; its logprob is at temperature 1).
typedef struct {
  int64_t rows, vocabulary;
  const float *logits;
  float inverse_temperature;
  const float *uniform;         // [rows] in [0, 1)
  int32_t *tokens;              // [rows]
  float *logprob;               // [rows], of the sampled token
} tk_sample_args;
void tk_sample(const void *args, int part, int parts);

// ---------------------------------------------------------------- optimizer (adamw.c)

/// One AdamW step over `count` elements. Gradients are first multiplied by `gradient_scale` (clipping).
///   m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²
///   PyTorch form:    p ← p − lr·(λp + (m/c₁) / (√(v/c₂) + ε)),  c = 1 − βᵗ
///   TensorFlow form: p ← p − lr·(λp + (√c₂/c₁)·m / (√v + ε))
typedef struct {
  int64_t count;
  float *p, *m, *v; const float *g;
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float correction1, correction2;   // 1 − βᵗ, computed by the caller
  float gradient_scale;
  int tensorflow_form;
} tk_adamw_args;
void tk_adamw(const void *args, int part, int parts);

// ---------------------------------------------------------------- int8 (int8.c)

/// Bytes of the packed codes of an [N, K] matrix: [⌈N/16⌉][⌈K/4⌉][16][4].
size_t tk_int8_packed_bytes(int64_t N, int64_t K);
/// Bytes of `workspace` below, which is used if `factors` are given or w is stored in 16 bits: one row per part.
size_t tk_int8_workspace_bytes(int64_t K, int parts);
/// Quantises w [N, K] by rows: scale = max|w|/127 (1 if the row is 0), code = w·(1/scale) rounded half to even, in
/// −127…127. Writes packed codes (padding is zero), scales [N], and row_sums [N], the sums of codes. With `factors`,
/// powers of two, R·(w ∘ 1/factors) is quantised instead of w, where R is the rotation of rotation.h.
typedef struct {
  int64_t N, K; const void *w; tk_float type; int8_t *codes; float *scales; int32_t *row_sums;
  const float *factors;   // [K] or NULL
  float *workspace;
} tk_int8_pack_args;
void tk_int8_pack(const void *args, int part, int parts);
/// The inverse: w(i) = row ids[i], or row i without ids. A row is w(n,k) = scale(n)·code(n,k) or, with `factors`,
/// scale(n)·(factors ∘ R⁻¹·code(n,·)). Only the product with the scale rounds.
typedef struct {
  int64_t rows, K; const int32_t *ids; const int8_t *codes; const float *scales, *factors;
  float *w; int64_t w_row;
} tk_int8_unpack_args;
void tk_int8_unpack(const void *args, int part, int parts);
/// Quantises activations by rows, with the same rule: codes [rows, K4], where K4 is K rounded up to 4 and padding is
/// zero. With `factors`, R·(x ∘ factors) is quantised; the weights must have the same factors.
/// At most one of `norm` and `activation` is given. x must then be its y; each row of x is computed before it is
/// quantised.
typedef struct {
  int64_t rows, K; const float *x; int64_t x_row; int8_t *codes; float *scales;
  const tk_norm_args *norm; const tk_activate_args *activation;
  const float *factors;   // [K] or NULL
  float *workspace;
} tk_int8_quantize_args;
void tk_int8_quantize(const void *args, int part, int parts);
/// y(m,n) = (Σ_k x(m,k)·w(n,k) as int32)·(x_scale(m)·w_scale(n)) + bias(n), or y(m,n) += the same if `accumulate`:
/// t = float(sum)·(x_scale·w_scale) (two roundings), t += bias, y = t or y + t.
typedef struct {
  int64_t M, N, K;
  const int8_t *x; const float *x_scales;                          // [M, K4], [M]
  const int8_t *w; const float *w_scales; const int32_t *row_sums; // packed, [N], [N]
  const float *bias;                                               // [N] or NULL
  float *y; int64_t y_row;
  int accumulate;
} tk_int8_gemm_args;
void tk_int8_gemm(const void *args, int part, int parts);

// ---------------------------------------------------------------- the machine's limits (peak.c)

/// Runs `iterations` rounds of one kind of work on each thread and writes the number of operations to done[part]. The
/// caller measures the time. For `bench` only.
typedef struct { int64_t iterations; int64_t *done; /* [parts] */ } tk_peak_args;
void tk_peak_fma(const void *args, int part, int parts);    // float operations
void tk_peak_int8(const void *args, int part, int parts);   // int8 operations
typedef struct { const float *x; int64_t count; float *sink; /* [parts] */ } tk_read_args;
void tk_read(const void *args, int part, int parts);

#endif
