// A fixed thread pool with static partition: no queue, no lock and no allocation once it exists.
//
// A run is one increment of `generation`. Workers spin on it for a while, then give way to other
// processes, then park. The caller spins on `pending`, since parts are of equal size, and gives way
// too when that takes long: on a busy machine the thread it waits for may want this very core.
#include "CSupport.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 2000, YIELDS_BEFORE_PARKING = 200 };

struct ts_pool {
  int threads;
  atomic_uint generation;
  atomic_int pending;
  atomic_int parked;
  atomic_int stopping;
  ts_task task;
  const void *context;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  pthread_t *workers;
};

struct worker {
  ts_pool *pool;
  int part;
};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void wait_for_work(ts_pool *pool, unsigned seen) {
  for (int i = 0; i < SPINS + YIELDS_BEFORE_PARKING; i++) {
    if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) return;
    if (i < SPINS) relax();
    else sched_yield();
  }
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->parked, 1);
  while (atomic_load(&pool->generation) == seen) pthread_cond_wait(&pool->wake, &pool->mutex);
  atomic_fetch_sub(&pool->parked, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument) {
  struct worker self = *(struct worker *)argument;
  free(argument);
  ts_pool *pool = self.pool;
  unsigned seen = 0;
  for (;;) {
    wait_for_work(pool, seen);
    seen++;
    if (atomic_load(&pool->stopping)) return NULL;
    pool->task(pool->context, self.part, pool->threads);
    atomic_fetch_sub_explicit(&pool->pending, 1, memory_order_release);
  }
}

static void announce(ts_pool *pool) {
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->parked) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
  }
}

ts_pool *ts_pool_create(int threads) {
  if (threads < 1) threads = 1;
  ts_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->workers = calloc((size_t)threads, sizeof *pool->workers);
  if (!pool->workers) {
    free(pool);
    return NULL;
  }
  pool->threads = 1;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  for (int part = 1; part < threads; part++) {
    struct worker *self = malloc(sizeof *self);
    if (!self) break;
    *self = (struct worker){pool, part};
    if (pthread_create(&pool->workers[part], NULL, work, self) != 0) {
      free(self);
      break;
    }
    pool->threads++;
  }
  return pool;
}

void ts_pool_destroy(ts_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stopping, 1);
  announce(pool);
  for (int part = 1; part < pool->threads; part++) pthread_join(pool->workers[part], NULL);
  pthread_mutex_destroy(&pool->mutex);
  pthread_cond_destroy(&pool->wake);
  free(pool->workers);
  free(pool);
}

int ts_pool_threads(const ts_pool *pool) { return pool->threads; }

void ts_pool_run(ts_pool *pool, ts_task task, const void *context) {
  if (pool->threads == 1) {
    task(context, 0, 1);
    return;
  }
  pool->task = task;
  pool->context = context;
  atomic_store_explicit(&pool->pending, pool->threads - 1, memory_order_relaxed);
  announce(pool);
  task(context, 0, pool->threads);
  for (int i = 0; atomic_load_explicit(&pool->pending, memory_order_acquire) > 0; i++) {
    if (i < SPINS) relax();
    else sched_yield();
  }
}
