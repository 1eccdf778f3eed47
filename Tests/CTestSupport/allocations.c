// The C library's allocation functions, counted. glibc lets a program define its own and has the
// real ones under other names; elsewhere nothing is counted.
#include "CTestSupport.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__GLIBC__)

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static _Thread_local int64_t allocations = -1;  // negative: not counting

static inline void count(void) {
  if (allocations >= 0) allocations++;
}

void *malloc(size_t bytes) {
  count();
  return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes) {
  count();
  return __libc_calloc(number, bytes);
}

void *realloc(void *block, size_t bytes) {
  count();
  return __libc_realloc(block, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  count();
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **block, size_t alignment, size_t bytes) {
  *block = memalign(alignment, bytes);
  return *block ? 0 : ENOMEM;
}

int ct_count_allocations(void) {
  allocations = 0;
  return 1;
}

int64_t ct_allocations(void) {
  int64_t counted = allocations;
  allocations = -1;
  return counted;
}

#else

int ct_count_allocations(void) { return 0; }
int64_t ct_allocations(void) { return 0; }

#endif
