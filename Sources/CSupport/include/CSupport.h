// The parts of Support that must not touch the Swift runtime, or that a C compiler makes faster: threads, hashing,
// and functions over many values.
#ifndef TINYRLHF_CSUPPORT_H
#define TINYRLHF_CSUPPORT_H

#include <stddef.h>
#include <stdint.h>

/// Runs one part of a task: number `part` of `parts`, 0 ≤ part < parts.
typedef void (*ts_task)(const void *context, int part, int parts);

/// A fixed set of threads. The caller is part 0; workers spin for a short time, then park.
typedef struct ts_pool ts_pool;
ts_pool *ts_pool_create(int threads);
void ts_pool_destroy(ts_pool *pool);
int ts_pool_threads(const ts_pool *pool);
/// Runs every part of `task` and returns when all have ended. Not re-entrant.
void ts_pool_run(ts_pool *pool, ts_task task, const void *context);

/// XXH64 (Yann Collet's specification) of `bytes[0..<count]`.
uint64_t ts_xxh64(const void *bytes, size_t count, uint64_t seed);

/// Statistics of an array of floats. Sums have one fixed order on every machine.
typedef struct {
  /// Statistics of the finite values; `squares` is the sum of squared differences from their mean, sum / finite. If
  /// no value is finite, `low` is above `high`.
  double sum, squares;
  float low, high;
  uint64_t finite, zeros, nans;
} ts_moments;
void ts_moments_of(const float *values, size_t count, ts_moments *moments);

/// The distance between two arrays of floats.
typedef struct {
  /// Σ (a − b)², Σ a² and max |a − b| over the pairs in which both values are finite.
  double squares, reference, largest;
  /// Pairs whose bits differ, and those among them with a value that is not finite.
  uint64_t differing, not_finite;
} ts_distance;
void ts_distance_of(const float *a, const float *b, size_t count, ts_distance *distance);

/// Whether any of the values is NaN or infinite.
int ts_any_not_finite_float32(const void *values, size_t count);
int ts_any_not_finite_bfloat16(const void *values, size_t count);
int ts_any_not_finite_float16(const void *values, size_t count);

/// Row sums of 16 packed rows, `codes[blocks][16][4]`.
/// Returns whether any code is −128.
int ts_packed_sums(const int8_t *codes, size_t blocks, int32_t sums[16]);

/// Expands elements `start` to `start + count`, in row-major order, of int8 codes packed
/// [⌈N/16⌉][⌈columns/4⌉][16][4]. Each value is code times scale of its row.
void ts_unpack_codes(
    const int8_t *codes, const float *scales, size_t columns, size_t start, size_t count,
    float *values);

/// Byte planes of `n` elements: planes[p·n + i] = elements[i·width + p], and back.
void ts_split_planes(const uint8_t *elements, size_t n, int width, uint8_t *planes);
void ts_join_planes(const uint8_t *planes, size_t n, int width, uint8_t *elements);

/// Philox 4×32-10 (Salmon et al. 2011): computes four random words from `counter` and `key`.
void ts_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// The value of the environment variable `name`, or NULL.
const char *ts_environment(const char *name);

/// Installs handlers that remember SIGINT, SIGTERM and (unless it is ignored) SIGHUP. A second SIGINT or SIGTERM ends
/// the process at once.
void ts_signals_catch(void);
/// Installs handlers that remove the registered temporary files before a signal ends the process. Ignored signals
/// stay ignored.
void ts_signals_end_cleanly(void);
/// The remembered signal, or 0.
int ts_signal_received(void);
void ts_signal_forget(void);
/// Installs a handler for SIGBUS (a mapped file that shrank) that writes one message and exits with 74.
void ts_signals_catch_bus(void);

/// Bytes allocated from the C library and not freed; 0 if the library does not report them.
size_t ts_heap_bytes(void);

/// Registers a file, or a folder of files, for removal when a signal ends the process.
/// Returns 0; or -1 with errno if the path cannot be stored.
int ts_temporary_add(const char *path);
void ts_temporary_forget(const char *path);
/// Removes the file, or the folder with its contents, and its registration.
void ts_temporary_discard(const char *path);
/// Between these two calls no signal ends the process; a signal that arrives ends it at the last release.
void ts_temporaries_hold(void);
void ts_temporaries_release(void);

/// Returns freed memory to the system, if the C library keeps it.
void ts_release_free_memory(void);

/// Width in columns of the terminal at `descriptor`, or 0 without a terminal.
int ts_terminal_width(int descriptor);

/// Calls `body` repeatedly on a separate thread, `milliseconds` after it last returned. Returns 0, or -1 if no thread
/// could be created.
int ts_every(int milliseconds, void (*body)(void));

/// Swaps the names of two files or folders in one step. Returns 0, or -1 with errno.
int ts_exchange(const char *a, const char *b);

#endif
