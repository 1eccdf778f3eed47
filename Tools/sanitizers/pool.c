// Hammers the thread pool: many short runs, with pauses that let its threads park, and pools that come and
// go. Every part must run once a run, see what the caller wrote before, and have its writes seen after.
#include "CSupport.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { most_threads = 8, runs = 4000, slots = 64 };

typedef struct {
  int number;
  // Plain memory: the pool alone orders what is written and read.
  int64_t *sums;
  int *ran;
} work;

static void task(const void *context, int part, int parts) {
  const work *w = context;
  w->ran[part]++;
  for (int i = part; i < slots; i += parts) w->sums[i] += w->number;
}

static void pause_for(long nanoseconds) {
  nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

static int hammer(int threads) {
  ts_pool *pool = ts_pool_create(threads);
  int count = ts_pool_threads(pool);
  int64_t sums[slots] = {0}, expected = 0;
  int ran[most_threads] = {0}, failures = count != threads;
  for (int number = 1; number <= runs; number++) {
    // On this call's stack, gone when it returns.
    work w = {number, sums, ran};
    ts_pool_run(pool, task, &w);
    expected += number;
    for (int i = 0; i < slots; i++) failures += sums[i] != expected;
    for (int part = 0; part < count; part++) failures += ran[part] != number;
    if (number % 500 == 0) pause_for(3000000);
  }
  ts_pool_destroy(pool);
  return failures;
}

int main(void) {
  int failures = 0;
  for (int threads = 1; threads <= most_threads; threads++) failures += hammer(threads);
  // Gone before, while and after their threads begin to wait.
  for (int round = 0; round < 300; round++) {
    ts_pool *pool = ts_pool_create(1 + round % most_threads);
    int64_t sums[slots] = {0};
    int ran[most_threads] = {0};
    work w = {1, sums, ran};
    if (round % 3 > 0) ts_pool_run(pool, task, &w);
    if (round % 3 > 1) pause_for(1000000);
    ts_pool_destroy(pool);
  }
  ts_pool_destroy(NULL);
  if (failures > 0) fprintf(stderr, "the pool failed %d times\n", failures);
  return failures > 0;
}
