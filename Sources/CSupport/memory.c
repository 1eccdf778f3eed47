#include "CSupport.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#if __GLIBC_PREREQ(2, 33)
#define HAS_MALLINFO2
#endif
#endif

size_t ts_heap_bytes(void) {
#ifdef HAS_MALLINFO2
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
#else
  return 0;
#endif
}

void ts_release_free_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}
