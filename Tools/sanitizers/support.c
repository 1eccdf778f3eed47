// Hashes, random numbers and looks at values, of every length, in memory that ends where they do.
#include "CSupport.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(int condition, const char *what, size_t count) {
  if (condition) return;
  fprintf(stderr, "%s: wrong for %zu bytes\n", what, count);
  failures++;
}

static void check_hash(void) {
  // The specification's vectors.
  expect(ts_xxh64("", 0, 0) == 0xEF46DB3751D8E999u, "xxh64", 0);
  expect(ts_xxh64("abc", 3, 0) == 0x44BC2CF5AD770999u, "xxh64", 3);
  unsigned char bytes[300];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 37 + 11);
  for (size_t count = 0; count <= sizeof bytes; count++) {
    uint64_t expected = ts_xxh64(bytes, count, count);
    for (size_t shift = 0; shift < 16; shift++) {
      unsigned char *copy = malloc(shift + count + !(shift + count));
      memcpy(copy + shift, bytes, count);
      expect(ts_xxh64(copy + shift, count, count) == expected, "xxh64, moved", count);
      free(copy);
    }
  }
}

static void check_random(void) {
  // Random123's vectors: all zeros, all ones.
  static const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  static const uint32_t ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  uint32_t counter[4] = {0}, key[2] = {0}, out[4];
  ts_philox(counter, key, out);
  expect(memcmp(out, zeros, sizeof out) == 0, "philox, zeros", sizeof out);
  memset(counter, 0xFF, sizeof counter);
  memset(key, 0xFF, sizeof key);
  ts_philox(counter, key, out);
  expect(memcmp(out, ones, sizeof out) == 0, "philox, ones", sizeof out);
}

static void check_values(void) {
  for (size_t count = 0; count < 70; count++) {
    float *values = calloc(count + !count, sizeof *values);
    uint16_t *halves = calloc(count + !count, sizeof *halves);
    ts_moments moments;
    ts_distance distance;
    expect(!ts_any_not_finite_float32(values, count), "finite float32", 4 * count);
    expect(!ts_any_not_finite_bfloat16(halves, count), "finite bfloat16", 2 * count);
    expect(!ts_any_not_finite_float16(halves, count), "finite float16", 2 * count);
    for (size_t i = 0; i < count; i++) {
      values[i] = i % 2 == 0 ? NAN : INFINITY;
      halves[i] = i % 2 == 0 ? 0x7FC0 : 0xFF80;
      expect(ts_any_not_finite_float32(values, count), "float32", 4 * count);
      expect(ts_any_not_finite_bfloat16(halves, count), "bfloat16", 2 * count);
      expect(ts_any_not_finite_float16(halves, count), "float16", 2 * count);
      ts_moments_of(values, count, &moments);
      expect(moments.finite == count - 1 && moments.zeros == count - 1, "moments", 4 * count);
      ts_distance_of(values, values, count, &distance);
      expect(distance.differing == 0, "distance", 4 * count);
      values[i] = 0, halves[i] = 0;
    }
    free(values);
    free(halves);
  }
}

static void check_codes(void) {
  for (size_t columns = 1; columns < 40; columns++) {
    size_t blocks = (columns + 3) / 4, rows = 16;
    int8_t *codes = calloc(blocks, 64);
    float scales[16], *values = malloc(rows * columns * sizeof *values);
    int32_t sums[16];
    for (size_t n = 0; n < rows; n++) {
      scales[n] = 1;
      for (size_t k = 0; k < columns; k++) codes[(k / 4 * 16 + n) * 4 + k % 4] = (int8_t)(127 - (int)n);
    }
    expect(!ts_packed_sums(codes, blocks, sums), "no -128", blocks * 64);
    expect(sums[3] == 124 * (int32_t)columns, "sum of codes", blocks * 64);
    for (size_t start = 0; start < rows * columns; start++) {
      size_t count = rows * columns - start;
      // The end of what is written is that of the memory.
      ts_unpack_codes(codes, scales, columns, start, count, values + start);
      expect(values[start] == (float)(127 - (int)(start / columns)), "unpacked", count);
    }
    codes[blocks * 64 - 1] = -128;
    expect(ts_packed_sums(codes, blocks, sums), "-128", blocks * 64);
    free(codes);
    free(values);
  }
}

static void check_planes(void) {
  for (int width = 1; width <= 4; width++) {
    for (size_t n = 0; n < 150; n++) {
      size_t count = n * (size_t)width;
      uint8_t *elements = malloc(count + !count), *planes = malloc(count + !count);
      uint8_t *joined = calloc(count + !count, 1);
      for (size_t i = 0; i < count; i++) elements[i] = (uint8_t)(i * 37 + 11);
      ts_split_planes(elements, n, width, planes);
      for (size_t i = 0; i < count; i++) {
        expect(planes[i % (size_t)width * n + i / (size_t)width] == elements[i], "split planes", count);
      }
      ts_join_planes(planes, n, width, joined);
      expect(count == 0 || memcmp(joined, elements, count) == 0, "joined planes", count);
      free(elements);
      free(planes);
      free(joined);
    }
  }
}

int main(void) {
  check_hash();
  check_random();
  check_values();
  check_codes();
  check_planes();
  ts_release_free_memory();
  ts_terminal_width(0);
  return failures > 0;
}
