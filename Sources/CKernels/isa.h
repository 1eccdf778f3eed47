// How one kernel body becomes one function per instruction set.
//
// A kernel written on `v16` (16 float lanes, whatever the register width) is the same arithmetic
// everywhere: clang splits it over two AVX2 or four NEON registers. Its file defines the body once,
// in a header of its own or a macro, and instantiates it between TK_BEGIN_x and TK_END:
//
//     #define BODY(suffix) static void scale_##suffix(...) { ... }
//     BODY(scalar)
//     TK_BEGIN_AVX2   BODY(avx2)   TK_END      (x86-64 only)
//     TK_BEGIN_AVX512 BODY(avx512) TK_END
//     BODY(neon)                               (arm64 only; the baseline has it)
//
// and the public function dispatches with TK_DISPATCH.
#ifndef TINYRLHF_ISA_H
#define TINYRLHF_ISA_H

#include "CKernels.h"

#pragma STDC FP_CONTRACT OFF

typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i16 __attribute__((vector_size(64), aligned(4)));

#define TK_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define TK_BEGIN_AVX2 \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma\"))), apply_to = function)")
// (One literal: a pragma takes no concatenation.)
#define TK_BEGIN_AVX512 \
  _Pragma("clang attribute push(__attribute__((target(\"avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni\"))), apply_to = function)")
#define TK_END _Pragma("clang attribute pop")
#define TK_DISPATCH(name, ...)                                   \
  switch (tk_isa_active()) {                                     \
    case TK_AVX512: name##_avx512(__VA_ARGS__); return;          \
    case TK_AVX2: name##_avx2(__VA_ARGS__); return;              \
    default: name##_scalar(__VA_ARGS__); return;                 \
  }
#elif defined(__aarch64__)
// NEON has one extension that not every arm64 has: a kernel that gains by it has a body for either
// case and asks `tk_has_dot_product`.
#define TK_BEGIN_DOT_PRODUCT \
  _Pragma("clang attribute push(__attribute__((target(\"dotprod\"))), apply_to = function)")
#define TK_END _Pragma("clang attribute pop")
int tk_has_dot_product(void);
#define TK_DISPATCH(name, ...)                                   \
  switch (tk_isa_active()) {                                     \
    case TK_NEON: name##_neon(__VA_ARGS__); return;              \
    default: name##_scalar(__VA_ARGS__); return;                 \
  }
#else
#define TK_DISPATCH(name, ...) name##_scalar(__VA_ARGS__)
#endif

TK_INLINE int64_t tk_least(int64_t a, int64_t b) { return a < b ? a : b; }
TK_INLINE int64_t tk_most(int64_t a, int64_t b) { return a > b ? a : b; }

/// The slice [*begin, *end) of `count` items that belongs to `part`, in multiples of `grain`.
TK_INLINE void tk_slice(int64_t count, int64_t grain, int part, int parts, int64_t *begin, int64_t *end) {
  int64_t blocks = (count + grain - 1) / grain;
  *begin = blocks * part / parts * grain;
  *end = blocks * (part + 1) / parts * grain;
  if (*begin > count) *begin = count;
  if (*end > count) *end = count;
}

#endif
