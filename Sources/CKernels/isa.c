// Detects the instruction sets of this machine and chooses the one that the kernels use.
#include "isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

int tk_isa_available(tk_isa isa) {
  switch (isa) {
    case TK_SCALAR: return 1;
#if defined(__x86_64__)
    // The builtin reads cpuid and, for AVX registers, XCR0.
    case TK_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case TK_AVX512:
      return tk_isa_available(TK_AVX2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__)
    case TK_NEON: return 1;
#endif
    default: return 0;
  }
}

static tk_isa best(void) {
  static const tk_isa order[] = {TK_AVX512, TK_AVX2, TK_NEON};
  for (int i = 0; i < 3; i++)
    if (tk_isa_available(order[i])) return order[i];
  return TK_SCALAR;
}

static tk_isa chosen(void) {
  static const char *const names[] = {"scalar", "avx2", "avx512", "neon"};
  const char *wanted = getenv("TINYRLHF_ISA");
  for (int isa = 0; wanted && isa < 4; isa++)
    if (strcmp(wanted, names[isa]) == 0 && tk_isa_available((tk_isa)isa)) return (tk_isa)isa;
  return best();
}

static atomic_int active = -1;

tk_isa tk_isa_active(void) {
  int isa = atomic_load_explicit(&active, memory_order_relaxed);
  if (isa < 0) {
    isa = chosen();
    atomic_store_explicit(&active, isa, memory_order_relaxed);
  }
  return (tk_isa)isa;
}

int tk_isa_force(tk_isa isa) {
  if (!tk_isa_available(isa)) return 0;
  atomic_store_explicit(&active, isa, memory_order_relaxed);
  return 1;
}

#if defined(__aarch64__)
int tk_has_dot_product(void) {
#if defined(__ARM_FEATURE_DOTPROD)
  return 1;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) >> 20 & 1) != 0;  // HWCAP_ASIMDDP
#else
  return 0;
#endif
}
#endif
