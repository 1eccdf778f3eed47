// The parts of Support that must not touch the Swift run time, or that a C compiler makes faster:
// threads, hashing, and looks at many values at once.
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

/// What one look at some floats tells. Sums run in one fixed order on every machine.
typedef struct {
  /// Of the finite values; `squares` about their mean, sum / finite. Where there is none, `low` is
  /// above `high`.
  double sum, squares;
  float low, high;
  uint64_t finite, zeros, nans;
} ts_moments;
void ts_moments_of(const float *values, size_t count, ts_moments *moments);

/// How far two rows of floats are apart.
typedef struct {
  /// Σ (a − b)², Σ a² and max |a − b| over pairs that are finite.
  double squares, reference, largest;
  /// Pairs whose bits differ, and those of them in which one is not finite.
  uint64_t differing, not_finite;
} ts_distance;
void ts_distance_of(const float *a, const float *b, size_t count, ts_distance *distance);

/// Whether any of the values is NaN or infinite.
int ts_any_not_finite_float32(const void *values, size_t count);
int ts_any_not_finite_bfloat16(const void *values, size_t count);

/// Sums of 16 packed rows, `codes[blocks][16][4]`.
/// Returns whether one of the codes is −128.
int ts_packed_sums(const int8_t *codes, size_t blocks, int32_t sums[16]);

/// Elements `start` up to `start + count`, in row-major order, of int8 codes packed
/// [⌈N/16⌉][⌈columns/4⌉][16][4]: scale of the row times code.
void ts_unpack_codes(
    const int8_t *codes, const float *scales, size_t columns, size_t start, size_t count,
    float *values);

/// Byte planes of `n` elements: planes[p·n + i] = elements[i·width + p], and back.
void ts_split_planes(const uint8_t *elements, size_t n, int width, uint8_t *planes);
void ts_join_planes(const uint8_t *planes, size_t n, int width, uint8_t *elements);

/// Philox 4×32-10 (Salmon et al. 2011): `counter` and `key` to four random words.
void ts_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// The value of the environment variable `name`, or NULL.
const char *ts_environment(const char *name);

/// From now on SIGINT, SIGTERM and, unless it is ignored, SIGHUP are remembered; a second SIGINT or SIGTERM
/// ends the process at once.
void ts_signals_catch(void);
/// From now on a signal that ends the process first removes the temporary files that are known. Signals
/// that are ignored stay so.
void ts_signals_end_cleanly(void);
/// The signal remembered, or 0.
int ts_signal_received(void);
void ts_signal_forget(void);
/// From now on SIGBUS (a mapped file that shrank) writes one message and exits with 74.
void ts_signals_catch_bus(void);

/// Bytes that the C library has given out and not got back; 0 where it does not tell.
size_t ts_heap_bytes(void);

/// Files, and folders of files, that are removed when a signal ends the process.
/// 0, or -1 and errno where the path cannot be kept.
int ts_temporary_add(const char *path);
void ts_temporary_forget(const char *path);
/// Removes what is known under this name, a folder with all that is in it, and forgets it.
void ts_temporary_discard(const char *path);
/// Between the two no signal ends the process: what comes ends it at the last release.
void ts_temporaries_hold(void);
void ts_temporaries_release(void);

/// Gives memory that was freed back to the system, where the C library keeps it.
void ts_release_free_memory(void);

/// Columns of the terminal behind `descriptor`, or 0 where there is none.
int ts_terminal_width(int descriptor);

/// Calls `body` again and again, so long after it has returned, on a thread of its own; 0, or -1 where there
/// is none.
int ts_every(int milliseconds, void (*body)(void));

/// Two files or folders take each other's name in one step; 0, or -1 and errno.
int ts_exchange(const char *a, const char *b);

#endif
