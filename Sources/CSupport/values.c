// Functions over many values: moments, distances, and the checks of verification. Every sum has 16 lanes that are
// added in a fixed order, so its bits do not depend on the register width.
#include "CSupport.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

static const uint32_t EXPONENT32 = 0x7F800000u;

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}

static inline int is_finite(float x) { return (bits_of(x) & EXPONENT32) != EXPONENT32; }

static double sum_of(const double lanes[LANES]) {
  double sum = 0;
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

int ts_any_not_finite_float32(const void *values, size_t count) {
  // If the exponent is all ones, adding one to it carries into the sign bit.
  const uint32_t *v = values;
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) found |= (v[i] & EXPONENT32) + 0x00800000u;
  return found >> 31;
}

int ts_any_not_finite_bfloat16(const void *values, size_t count) {
  const uint16_t *v = values;
  uint16_t found = 0;
  for (size_t i = 0; i < count; i++) found |= (uint16_t)((v[i] & 0x7F80u) + 0x0080u);
  return found >> 15;
}

int ts_any_not_finite_float16(const void *values, size_t count) {
  const uint16_t *v = values;
  uint16_t found = 0;
  for (size_t i = 0; i < count; i++) found |= (uint16_t)((v[i] & 0x7C00u) + 0x0400u);
  return found >> 15;
}

// MARK: Moments

static void moments_of_finite(const float *values, size_t count, ts_moments *moments) {
  double sums[LANES] = {0}, squares[LANES] = {0};
  float low[LANES], high[LANES];
  uint32_t zeros[LANES] = {0};
  for (int l = 0; l < LANES; l++) {
    low[l] = INFINITY;
    high[l] = -INFINITY;
  }
  size_t whole = count / LANES * LANES;
  for (size_t i = 0; i < whole; i += LANES) {
    for (int l = 0; l < LANES; l++) {
      float x = values[i + l];
      sums[l] += x;
      low[l] = x < low[l] ? x : low[l];
      high[l] = x > high[l] ? x : high[l];
      zeros[l] += x == 0;
    }
  }
  for (size_t i = whole; i < count; i++) {
    size_t l = i - whole;
    float x = values[i];
    sums[l] += x;
    low[l] = x < low[l] ? x : low[l];
    high[l] = x > high[l] ? x : high[l];
    zeros[l] += x == 0;
  }
  moments->sum = sum_of(sums);
  double mean = moments->sum / (double)count;
  for (size_t i = 0; i < whole; i += LANES) {
    for (int l = 0; l < LANES; l++) {
      double d = values[i + l] - mean;
      squares[l] += d * d;
    }
  }
  for (size_t i = whole; i < count; i++) {
    double d = values[i] - mean;
    squares[i - whole] += d * d;
  }
  moments->squares = sum_of(squares);
  for (int l = 0; l < LANES; l++) {
    moments->low = low[l] < moments->low ? low[l] : moments->low;
    moments->high = high[l] > moments->high ? high[l] : moments->high;
    moments->zeros += zeros[l];
  }
  moments->finite = count;
}

static void moments_of_any(const float *values, size_t count, ts_moments *moments) {
  for (size_t i = 0; i < count; i++) {
    float x = values[i];
    moments->nans += x != x;
    if (!is_finite(x)) continue;
    moments->finite++;
    moments->sum += x;
    moments->zeros += x == 0;
    moments->low = x < moments->low ? x : moments->low;
    moments->high = x > moments->high ? x : moments->high;
  }
  double mean = moments->sum / (double)moments->finite;
  for (size_t i = 0; i < count; i++) {
    if (!is_finite(values[i])) continue;
    double d = values[i] - mean;
    moments->squares += d * d;
  }
}

void ts_moments_of(const float *values, size_t count, ts_moments *moments) {
  *moments = (ts_moments){.low = INFINITY, .high = -INFINITY};
  if (count == 0) return;
  if (ts_any_not_finite_float32(values, count)) {
    moments_of_any(values, count, moments);
  } else {
    moments_of_finite(values, count, moments);
  }
}

// MARK: Distances

static void distance_of_finite(
    const float *a, const float *b, size_t count, ts_distance *distance) {
  double squares[LANES] = {0}, reference[LANES] = {0}, largest[LANES] = {0};
  uint32_t differing[LANES] = {0};
  size_t whole = count / LANES * LANES;
  for (size_t i = 0; i < whole; i += LANES) {
    for (int l = 0; l < LANES; l++) {
      double x = a[i + l], d = fabs(x - (double)b[i + l]);
      squares[l] += d * d;
      reference[l] += x * x;
      largest[l] = d > largest[l] ? d : largest[l];
      differing[l] += bits_of(a[i + l]) != bits_of(b[i + l]);
    }
  }
  for (size_t i = whole; i < count; i++) {
    size_t l = i - whole;
    double x = a[i], d = fabs(x - (double)b[i]);
    squares[l] += d * d;
    reference[l] += x * x;
    largest[l] = d > largest[l] ? d : largest[l];
    differing[l] += bits_of(a[i]) != bits_of(b[i]);
  }
  distance->squares = sum_of(squares);
  distance->reference = sum_of(reference);
  for (int l = 0; l < LANES; l++) {
    distance->largest = largest[l] > distance->largest ? largest[l] : distance->largest;
    distance->differing += differing[l];
  }
}

static void distance_of_any(const float *a, const float *b, size_t count, ts_distance *distance) {
  for (size_t i = 0; i < count; i++) {
    int differ = bits_of(a[i]) != bits_of(b[i]);
    distance->differing += differ;
    if (!is_finite(a[i]) || !is_finite(b[i])) {
      distance->not_finite += differ;
      continue;
    }
    double x = a[i], d = fabs(x - (double)b[i]);
    distance->squares += d * d;
    distance->reference += x * x;
    distance->largest = d > distance->largest ? d : distance->largest;
  }
}

void ts_distance_of(const float *a, const float *b, size_t count, ts_distance *distance) {
  *distance = (ts_distance){0};
  if (ts_any_not_finite_float32(a, count) || ts_any_not_finite_float32(b, count)) {
    distance_of_any(a, b, count, distance);
  } else {
    distance_of_finite(a, b, count, distance);
  }
}

// MARK: int8

enum { ROWS = 16, COLUMNS = 4, TILE = ROWS * COLUMNS };

int ts_packed_sums(const int8_t *codes, size_t blocks, int32_t sums[16]) {
  // The largest number of blocks whose sums fit into 16 bits: 256 · 128 = 2¹⁵.
  enum { RUN = 255 };
  uint8_t lowest = 0;
  memset(sums, 0, ROWS * sizeof *sums);
  for (size_t start = 0; start < blocks; start += RUN) {
    size_t end = blocks - start < RUN ? blocks : start + RUN;
    int16_t lanes[TILE] = {0};
    for (size_t block = start; block < end; block++) {
      for (int l = 0; l < TILE; l++) {
        int8_t code = codes[block * TILE + l];
        lanes[l] += code;
        lowest |= code == -128;
      }
    }
    for (int l = 0; l < TILE; l++) {
      sums[l / COLUMNS] = (int32_t)((uint32_t)sums[l / COLUMNS] + (uint32_t)(int32_t)lanes[l]);
    }
  }
  return lowest;
}

void ts_unpack_codes(
    const int8_t *codes, const float *scales, size_t columns, size_t start, size_t count,
    float *values) {
  size_t blocks = (columns + COLUMNS - 1) / COLUMNS;
  size_t row = start / columns, column = start % columns;
  while (count > 0) {
    size_t end = columns - column < count ? columns : column + count;
    const int8_t *line = codes + (row / ROWS * blocks * ROWS + row % ROWS) * COLUMNS;
    float scale = scales[row];
    count -= end - column;
    for (; column < end; column++) {
      *values++ = scale * (float)line[column / COLUMNS * TILE + column % COLUMNS];
    }
    row++;
    column = 0;
  }
}
