// Counts what a thread allocates from the heap, for tests that say how much that may be.
#ifndef TINYRLHF_CTESTSUPPORT_H
#define TINYRLHF_CTESTSUPPORT_H

#include <stdint.h>

/// Starts to count the calling thread's allocations from 0. Returns 0 where they cannot be counted.
int ct_count_allocations(void);
/// Stops, and returns how many there were.
int64_t ct_allocations(void);

#endif
