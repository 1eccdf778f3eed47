// What a tokenizer asks of Unicode. The tables are those of the `tokenizers` library: see
// Tools/make-unicode-tables.
#ifndef CUNICODE_H
#define CUNICODE_H

#include <stdint.h>

enum {
  cu_letter = 1,     // \p{L}
  cu_number = 2,     // \p{N}
  cu_space = 4,      // \s
  cu_digit = 8,      // what a split into single digits cuts off: nearly \p{N}
  cu_word = 16,      // \w
  cu_composing = 32  // normalisation may change it, or what stands before it
};

// The classes of a scalar, as bits; 0 beyond U+10FFFF.
uint8_t cu_classes(uint32_t scalar);

// The classes of U+0000 to U+007F.
const uint8_t *cu_ascii_classes(void);

// The canonical combining class; 0 for what is no mark.
uint8_t cu_combining(uint32_t scalar);

// Writes the full canonical decomposition, at most 4 scalars, and returns how many; 0 when there is none.
int32_t cu_decompose(uint32_t scalar, uint32_t *parts);

// The scalar that NFC makes of two; 0 when it makes none.
uint32_t cu_compose(uint32_t first, uint32_t second);

#endif
