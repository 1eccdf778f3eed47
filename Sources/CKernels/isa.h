// Macros that compile one kernel body for every instruction set.
//
// A kernel is written once, as always-inline functions on v16: 16 float lanes, for any width of the
// registers. Clang splits a v16 over two AVX2 or four NEON registers, and the arithmetic is the same
// everywhere. One macro compiles the body for every instruction set, and defines the public function,
// which calls the instance of the set in use:
//
//     TK_INLINE void norm(const void *args, int part, int parts) { … }
//     TK_KERNEL(tk_norm, norm)                   // norm_scalar, norm_avx2, …, and tk_norm
//
// A body may take the set as its first argument, if it must know how many rows the registers hold, or
// needs an instruction that C cannot express. The set is a constant in each instance, so the compiler
// resolves every test of it. It never changes a result:
//
//     TK_INLINE void attention(const tk_isa isa, const void *args, int part, int parts) { … }
//     TK_KERNEL(tk_attention, attention, isa)
//
// A large body with several callers is not inlined into each caller, but has its own instances.
// Then tile_on(isa, rows, c) calls the instance of a set:
//
//     TK_INLINE void tile(const tk_isa isa, int rows, float *c) { … }
//     TK_INSTANCES(tile, (int rows, float *c), (rows, c), isa)
//
// Intrinsics are only in leaf functions (int8_dot.h): small inline functions for one set, marked with its
// TK_TARGET. A leaf takes vectors by address, because a register cannot be passed to a function of another
// set. Clang still inlines it.
#ifndef TINYRLHF_ISA_H
#define TINYRLHF_ISA_H

#include "CKernels.h"

#pragma STDC FP_CONTRACT OFF

// Every function that takes or returns a v16 is inlined into its caller. So no vector crosses
// a real call, and the calling convention that the warning is about is never used.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i16 __attribute__((vector_size(64), aligned(4)));

#define TK_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/// One instance: the body `name` as a function for one set. If `isa` follows the arguments, the body receives it first.
#define TK_INSTANCE(attributes, name, suffix, set, parameters, arguments, ...) \
  attributes static void name##_##suffix parameters {                          \
    const tk_isa isa = set;                                                    \
    (void)isa;                                                                 \
    name(__VA_ARGS__ __VA_OPT__(,) TK_LIST arguments);                         \
  }
#define TK_LIST(...) __VA_ARGS__

#if defined(__x86_64__)

#define TK_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define TK_TARGET_AVX512 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

#define TK_VECTOR_INSTANCES(attributes, name, ...)                            \
  TK_INSTANCE(attributes TK_TARGET_AVX2, name, avx2, TK_AVX2, __VA_ARGS__)    \
  TK_INSTANCE(attributes TK_TARGET_AVX512, name, avx512, TK_AVX512, __VA_ARGS__)
#define TK_VECTOR_CASES(name, arguments)             \
  case TK_AVX512: name##_avx512 arguments; return;   \
  case TK_AVX2: name##_avx2 arguments; return;

#elif defined(__aarch64__)

// Not every arm64 CPU has NEON's dot-product extension. A kernel that is faster with it has one more instance, for
// an internal set, and checks at run time whether the machine has the extension.
#define TK_NEON_DOT ((tk_isa)(TK_NEON + 1))
#define TK_TARGET_NEON_DOT __attribute__((target("dotprod")))
int tk_has_dot_product(void);

#define TK_VECTOR_INSTANCES(attributes, name, ...) \
  TK_INSTANCE(attributes, name, neon, TK_NEON, __VA_ARGS__)
#define TK_VECTOR_CASES(name, arguments) \
  case TK_NEON: name##_neon arguments; return;

#else
#define TK_VECTOR_INSTANCES(...)
#define TK_VECTOR_CASES(...)
#endif

#define TK_EVERY_INSTANCE(attributes, name, ...)                  \
  TK_INSTANCE(attributes, name, scalar, TK_SCALAR, __VA_ARGS__)   \
  TK_VECTOR_INSTANCES(attributes, name, __VA_ARGS__)

/// Calls the function of a set; the scalar one if this kind of machine cannot have the set.
#define TK_DISPATCH(isa, name, arguments)     \
  switch (isa) {                              \
    TK_VECTOR_CASES(name, arguments)          \
    default: name##_scalar arguments; return; \
  }

/// Defines all instances of a body, and name_on(isa, …), which calls one.
#define TK_INSTANCES(name, parameters, ...)                                              \
  TK_EVERY_INSTANCE(__attribute__((noinline)), name, parameters, __VA_ARGS__)            \
  TK_INLINE void name##_on(const tk_isa isa, TK_LIST parameters) {                       \
    TK_DISPATCH(isa, name, TK_FIRST(__VA_ARGS__, ))                                      \
  }
#define TK_FIRST(first, ...) first

/// Defines all instances of a kernel's body, and the public function.
#define TK_KERNEL(public, name, ...)                                                     \
  TK_EVERY_INSTANCE(, name, (const void *args, int part, int parts), (args, part, parts), \
                    __VA_ARGS__)                                                         \
  void public(const void *args, int part, int parts) {                                   \
    TK_DISPATCH(tk_isa_active(), name, (args, part, parts))                              \
  }

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
