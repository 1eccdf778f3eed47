// The parts of Support that must not touch the Swift run time: threads and hashing.
#ifndef TINYRLHF_CSUPPORT_H
#define TINYRLHF_CSUPPORT_H

#include <stddef.h>
#include <stdint.h>

/// One slice of a piece of work: the `part`-th of `parts`, 0 ≤ part < parts.
typedef void (*ts_task)(const void *context, int part, int parts);

/// A fixed set of threads. The caller is part 0; workers spin shortly, then park.
typedef struct ts_pool ts_pool;
ts_pool *ts_pool_create(int threads);
void ts_pool_destroy(ts_pool *pool);
int ts_pool_threads(const ts_pool *pool);
/// Runs every part of `task` and returns when all have ended. Not re-entrant.
void ts_pool_run(ts_pool *pool, ts_task task, const void *context);

/// XXH64 (Yann Collet's specification) of `bytes[0..<count]`.
uint64_t ts_xxh64(const void *bytes, size_t count, uint64_t seed);

/// Philox 4×32-10 (Salmon et al. 2011): `counter` and `key` to four random words.
void ts_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// The value of the environment variable `name`, or NULL.
const char *ts_environment(const char *name);

/// From now on SIGINT and SIGTERM are remembered; a second one ends the process at once.
void ts_signals_catch(void);
/// The signal remembered, or 0.
int ts_signal_received(void);
void ts_signal_forget(void);
/// From now on SIGBUS (a mapped file that shrank) writes one message and exits with 74.
void ts_signals_catch_bus(void);

/// Gives memory that was freed back to the system, where the C library keeps it.
void ts_release_free_memory(void);

/// Columns of the terminal behind `descriptor`, or 0 where there is none.
int ts_terminal_width(int descriptor);

#endif
