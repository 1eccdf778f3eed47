// Compares every instruction set of a machine with the scalar reference, bit for bit.
#ifndef HARNESS_H
#define HARNESS_H

#include "CKernels.h"

#include <stddef.h>
#include <stdint.h>

typedef void kernel(const void *args, int part, int parts);

/// Memory that ends where an unmapped page begins, so that a read beyond it traps. Lives until
/// `release`.
void *room(size_t bytes);
/// The same, 64-byte aligned instead (for workspaces).
void *workspace(size_t bytes);
void release(void);

uint32_t draw(void);                                       // 32 random bits, the same everywhere
float *numbers(int64_t count, float scale);                // random on (−scale, scale)
const void *stored(int64_t count, tk_float type);          // random weights below 2 in that type
int32_t *indices(int64_t count, int32_t bound);            // random on 0 ..< bound

/// What a kernel writes.
typedef struct { void *at; size_t bytes; } output;
#define FLOATS(at, count) (output){at, (size_t)(count) * sizeof(float)}

/// Runs the kernel with TK_SCALAR in one part, then with every other instruction set in 1 to 3
/// parts, each time from the same contents of the outputs, and compares. The scalar results stay
/// in the outputs.
void compare(const char *name, kernel *run, const void *args, int count, const output *outputs);
#define COMPARE(name, run, args, ...)                                       \
  compare(name, run, args, sizeof((output[]){__VA_ARGS__}) / sizeof(output), \
          (output[]){__VA_ARGS__})

/// Takes bytes into the digest, which must be the same on every kind of machine.
void digest(const void *bytes, size_t count);

void check_product(void);
void check_rows(void);
void check_vectors(void);
void check_embedding(void);
void check_softmax(void);
void check_attention(void);
void check_int8(void);

#endif
