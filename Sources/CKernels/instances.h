// Compiles TK_FILE once per instruction set. A kernel file includes itself through this header:
//
//     #ifdef TK_SUFFIX
//     static void TK(scale)(…) { … }        // TK(scale) is scale_scalar, scale_avx2, …
//     #else
//     #define TK_FILE "scale.c"
//     #include "instances.h"
//     void tk_scale(const void *args, int part, int parts) {
//       TK_DISPATCH(scale, args, part, parts);
//     }
//     #endif
//
// TK_ROWS is how many rows of two v16 the registers of an instruction set hold as accumulators;
// it never changes a result.
#include "isa.h"

#define TK_JOIN2(a, b) a##_##b
#define TK_JOIN(a, b) TK_JOIN2(a, b)
#define TK(name) TK_JOIN(name, TK_SUFFIX)

// Every function that takes or returns a v16 is inlined into its caller, so that no vector crosses
// a real call and the calling convention that the warning is about is never used.
#pragma clang diagnostic ignored "-Wpsabi"

#define TK_SUFFIX scalar
#define TK_ROWS 2
#include TK_FILE
#undef TK_ROWS
#undef TK_SUFFIX

#if defined(__x86_64__)
TK_BEGIN_AVX2
#define TK_SUFFIX avx2
#define TK_ROWS 2
#include TK_FILE
#undef TK_ROWS
#undef TK_SUFFIX
TK_END
TK_BEGIN_AVX512
#define TK_SUFFIX avx512
#define TK_ROWS 8
#include TK_FILE
#undef TK_ROWS
#undef TK_SUFFIX
TK_END
#elif defined(__aarch64__)
#define TK_SUFFIX neon
#define TK_ROWS 2
#include TK_FILE
#undef TK_ROWS
#undef TK_SUFFIX
#endif
