// Byte planes: see BytePlanes.swift for what they are.
#include "CSupport.h"

// The callers pass constant widths, so that the compiler can shuffle whole registers.
static inline void split(const uint8_t *restrict elements, size_t n, int width, uint8_t *restrict planes) {
  for (size_t i = 0; i < n; i++) {
    for (int p = 0; p < width; p++) planes[p * n + i] = elements[i * width + p];
  }
}

static inline void join(const uint8_t *restrict planes, size_t n, int width, uint8_t *restrict elements) {
  for (size_t i = 0; i < n; i++) {
    for (int p = 0; p < width; p++) elements[i * width + p] = planes[p * n + i];
  }
}

void ts_split_planes(const uint8_t *elements, size_t n, int width, uint8_t *planes) {
  if (width == 4) {
    split(elements, n, 4, planes);
  } else if (width == 2) {
    split(elements, n, 2, planes);
  } else {
    split(elements, n, width, planes);
  }
}

void ts_join_planes(const uint8_t *planes, size_t n, int width, uint8_t *elements) {
  if (width == 4) {
    join(planes, n, 4, elements);
  } else if (width == 2) {
    join(planes, n, 2, elements);
  } else {
    join(planes, n, width, elements);
  }
}
