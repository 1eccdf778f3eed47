#include "CUnicode.h"
#include "tables.h"

#define COUNT(array) ((int32_t)(sizeof(array) / sizeof(array)[0]))

// Hangul is arithmetic: a syllable is (leading, vowel, trailing), and trailing 0 is none.
enum {
  syllables = 0xAC00, leadings = 0x1100, vowels = 0x1161, trailings = 0x11A7,
  leading_count = 19, vowel_count = 21, trailing_count = 28
};

uint8_t cu_classes(uint32_t scalar) {
  if (scalar > 0x10FFFF) return 0;
  return class_blocks[class_index[scalar >> 7] * 128 + (scalar & 127)];
}

const uint8_t *cu_ascii_classes(void) { return class_blocks + class_index[0] * 128; }

uint8_t cu_combining(uint32_t scalar) {
  if (scalar > 0x10FFFF) return 0;
  return combining_blocks[combining_index[scalar >> 7] * 128 + (scalar & 127)];
}

int32_t cu_decompose(uint32_t scalar, uint32_t *parts) {
  uint32_t syllable = scalar - syllables;
  if (scalar >= syllables && syllable < leading_count * vowel_count * trailing_count) {
    parts[0] = leadings + syllable / (vowel_count * trailing_count);
    parts[1] = vowels + syllable / trailing_count % vowel_count;
    parts[2] = trailings + syllable % trailing_count;
    return parts[2] == trailings ? 2 : 3;
  }
  int32_t low = 0, high = COUNT(decompositions);
  while (low < high) {
    int32_t middle = (low + high) / 2;
    if (decompositions[middle].scalar < scalar) low = middle + 1; else high = middle;
  }
  if (low == COUNT(decompositions) || decompositions[low].scalar != scalar) return 0;
  for (int32_t i = 0; i < decompositions[low].count; i++)
    parts[i] = decomposition_pool[decompositions[low].start + i];
  return decompositions[low].count;
}

uint32_t cu_compose(uint32_t first, uint32_t second) {
  if (first - leadings < leading_count && second - vowels < vowel_count)
    return syllables + ((first - leadings) * vowel_count + second - vowels) * trailing_count;
  uint32_t syllable = first - syllables;
  if (syllable < leading_count * vowel_count * trailing_count && syllable % trailing_count == 0
      && second - trailings - 1 < trailing_count - 1)
    return first + second - trailings;
  int32_t low = 0, high = COUNT(compositions);
  while (low < high) {
    int32_t middle = (low + high) / 2;
    if (compositions[middle].first < first
        || (compositions[middle].first == first && compositions[middle].second < second)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == COUNT(compositions) || compositions[low].first != first || compositions[low].second != second)
    return 0;
  return compositions[low].scalar;
}
