// Prints, for each instruction set besides scalar, "NAME: N checks passed", and a digest of all
// scalar results; exits 1 if a check failed or nothing was checked.
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Under the address sanitizer memory begins and ends to the byte, where pages alone would not tell.
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

enum { most_regions = 256, most_bytes = 1 << 22 };

static struct { void *at; size_t bytes; } regions[most_regions];
static int region_count;
static uint64_t state = 0x9e3779b97f4a7c15u, hash = 0xcbf29ce484222325u;
static int64_t passed[4], failed;
static const char *const names[] = {"scalar", "AVX2", "AVX512", "NEON"};

static void *map(size_t bytes) {
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED || region_count == most_regions) {
    fprintf(stderr, "no memory for %zu bytes in region %d\n", bytes, region_count);
    exit(1);
  }
  regions[region_count].at = at;
  regions[region_count++].bytes = bytes;
  return at;
}

void *room(size_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page * page;
  char *at = map(pages + page);
  if (mprotect(at + pages, page, PROT_NONE) != 0) exit(1);
  ASAN_POISON_MEMORY_REGION(at, pages - bytes);
  return at + pages - bytes;
}

void *workspace(size_t bytes) {
  char *at = map(bytes + 64);
  ASAN_POISON_MEMORY_REGION(at + bytes, 64);
  return at;
}

void release(void) {
  while (region_count > 0) {
    region_count--;
    ASAN_UNPOISON_MEMORY_REGION(regions[region_count].at, regions[region_count].bytes);
    munmap(regions[region_count].at, regions[region_count].bytes);
  }
}

uint32_t draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32);
}

float *numbers(int64_t count, float scale) {
  float *x = room((size_t)count * sizeof(float));
  for (int64_t i = 0; i < count; i++)
    x[i] = ((float)(int32_t)(draw() >> 8) * 0x1p-23f - 1) * scale;
  return x;
}

const void *stored(int64_t count, tk_float type) {
  float *x = numbers(count, 1);
  if (type == TK_FLOAT32) return x;
  uint16_t *halves = room((size_t)count * sizeof(uint16_t));
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, x + i, sizeof bits);
    // Without the highest bit of its exponent, every float16 is finite.
    halves[i] = type == TK_BFLOAT16 ? bits >> 16 : draw() & 0xBFFF;
  }
  return halves;
}

int32_t *indices(int64_t count, int32_t bound) {
  int32_t *x = room((size_t)count * sizeof(int32_t));
  for (int64_t i = 0; i < count; i++) x[i] = (int32_t)(draw() % (uint32_t)bound);
  return x;
}

void digest(const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < count; i++) hash = (hash ^ at[i]) * 0x100000001b3u;
}

static void copy(int count, const output *outputs, char *to, int back) {
  for (int i = 0; i < count; i++) {
    if (outputs[i].bytes == 0) continue;  // may be NULL, which even no bytes must not be copied from
    if (back)
      memcpy(outputs[i].at, to, outputs[i].bytes);
    else
      memcpy(to, outputs[i].at, outputs[i].bytes);
    to += outputs[i].bytes;
  }
}

void compare(const char *name, kernel *run, const void *args, int count, const output *outputs) {
  static char before[most_bytes], expected[most_bytes], got[most_bytes];
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += outputs[i].bytes;
  if (bytes > most_bytes || !tk_isa_force(TK_SCALAR)) exit(1);
  copy(count, outputs, before, 0);
  run(args, 0, 1);
  copy(count, outputs, expected, 0);
  if (memcmp(before, expected, bytes) == 0) {
    fprintf(stderr, "%s: the scalar reference wrote nothing\n", name);
    failed++;
  }
  digest(expected, bytes);
  for (tk_isa isa = TK_AVX2; isa <= TK_NEON; isa++) {
    if (!tk_isa_force(isa)) continue;
    for (int parts = 1; parts <= 3; parts++) {
      copy(count, outputs, before, 1);
      for (int part = 0; part < parts; part++) run(args, part, parts);
      copy(count, outputs, got, 0);
      if (memcmp(got, expected, bytes) == 0) {
        passed[isa]++;
        continue;
      }
      size_t first = 0;
      while (got[first] == expected[first]) first++;
      fprintf(stderr, "%s: %s in %d parts differs from scalar at byte %zu of %zu\n", name,
              names[isa], parts, first, bytes);
      failed++;
    }
  }
  copy(count, outputs, expected, 1);
}

int main(void) {
  void (*const checks[])(void) = {check_product,   check_rows,      check_vectors, check_embedding,
                                  check_softmax,   check_attention, check_int8};
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    checks[i]();
    release();
  }
  int64_t total = 0;
  for (int isa = TK_AVX2; isa <= TK_NEON; isa++) {
    if (passed[isa] > 0) printf("%s: %lld checks passed\n", names[isa], (long long)passed[isa]);
    total += passed[isa];
  }
  printf("digest %016llx\n", (unsigned long long)hash);
  if (failed > 0) printf("%lld checks failed\n", (long long)failed);
  return failed > 0 || total == 0;
}
