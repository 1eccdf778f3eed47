// A fixed thread pool with static partition. It uses no queue, and it takes no lock and allocates nothing once
// created (locks serve only parked workers).
//
// A run is one increment of `generation`. Workers spin on it for a while, then yield to other processes, then park.
// The caller spins on `pending`, because parts are of equal size. A part is run by whichever thread claims it first:
// its own worker, which has its data in cache; or the caller, if that worker has not started after a while. On a busy
// machine a worker may wait for a core a thousand times as long as its part takes. The result of a part does not
// depend on the thread that runs it.
#include "CSupport.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 2000, YIELDS_BEFORE_PARKING = 200 };

/// The generation for which a part was last claimed; in its own cache line.
struct claim {
  _Alignas(64) atomic_uint generation;
};

struct ts_pool {
  int threads;
  atomic_uint generation;
  atomic_int pending;
  atomic_int parked;
  atomic_int stopping;
  /// Spins before the caller runs parts itself; smaller if the caller had to do so recently.
  int patience;
  struct claim *claims;
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

/// Claims a part for a generation; true on success. Every generation claims every part exactly once, so a late worker
/// finds a number that it does not expect.
static int claim(ts_pool *pool, int part, unsigned generation) {
  unsigned before = generation - 1;
  return atomic_compare_exchange_strong(&pool->claims[part].generation, &before, generation);
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
    // This worker may have missed whole runs.
    seen = atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (atomic_load(&pool->stopping)) return NULL;
    if (!claim(pool, self.part, seen)) continue;
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
  pool->claims = aligned_alloc(_Alignof(struct claim), (size_t)threads * sizeof *pool->claims);
  if (!pool->workers || !pool->claims) {
    free(pool->workers);
    free(pool->claims);
    free(pool);
    return NULL;
  }
  for (int part = 0; part < threads; part++) atomic_init(&pool->claims[part].generation, 0);
  pool->threads = 1;
  pool->patience = SPINS;
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
  free(pool->claims);
  free(pool);
}

int ts_pool_threads(const ts_pool *pool) { return pool->threads; }

/// Whether all parts finished within this number of turns.
static int waited(ts_pool *pool, int turns) {
  for (int i = 0; i <= turns; i++) {
    if (atomic_load_explicit(&pool->pending, memory_order_acquire) == 0) return 1;
    relax();
  }
  return 0;
}

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
  if (waited(pool, pool->patience)) {
    if (pool->patience < SPINS) pool->patience = 2 * pool->patience + 1;
    return;
  }
  unsigned generation = atomic_load_explicit(&pool->generation, memory_order_relaxed);
  for (int part = 1; part < pool->threads; part++) {
    if (!claim(pool, part, generation)) continue;
    task(context, part, pool->threads);
    atomic_fetch_sub_explicit(&pool->pending, 1, memory_order_relaxed);
    pool->patience /= 2;
  }
  while (!waited(pool, SPINS)) sched_yield();
}
