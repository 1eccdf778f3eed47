// Hashes and random numbers over every length and misalignment, in memory that ends where they do.
#include "CSupport.h"

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

int main(void) {
  check_hash();
  check_random();
  ts_release_free_memory();
  ts_terminal_width(0);
  return failures > 0;
}
