// Dropout with a mask that is a function of the element's position, so the mask is computed again instead of stored.
#include "vmath.h"

typedef uint32_t u16 __attribute__((vector_size(64), aligned(4)));
typedef uint64_t w16 __attribute__((vector_size(128), aligned(4)));

/// Returns the high words of 16 products; writes the low words to *low.
TK_INLINE u16 multiply_wide(u16 x, uint32_t by, u16 *low) {
  w16 product = __builtin_convertvector(x, w16) * (uint64_t)by;
  *low = __builtin_convertvector(product, u16);
  return __builtin_convertvector(product >> 32, u16);
}

/// Philox 4×32-10 (Salmon et al. 2011), sixteen blocks at once.
TK_INLINE void philox16(u16 c[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    u16 left_low, right_low;
    u16 left = multiply_wide(c[0], 0xD2511F53u, &left_low);
    u16 right = multiply_wide(c[2], 0xCD9E8D57u, &right_low);
    c[0] = right ^ c[1] ^ k0;
    c[1] = right_low;
    c[2] = left ^ c[3] ^ k1;
    c[3] = left_low;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

TK_INLINE void dropout(const void *args, int part, int parts) {
  const tk_dropout_args *a = args;
  int64_t begin, end;
  tk_slice(a->rows, 1, part, parts, &begin, &end);
  for (int64_t row = begin; row < end; row++) {
    const float *x = a->x + row * a->width, *from = a->from ? a->from + row * a->width : NULL;
    float *y = a->y + row * a->width;
    const uint64_t number = (uint64_t)(a->first_row + row);
    for (int64_t group = 0; group < a->width; group += 64) {
      u16 words[4];
      for (int lane = 0; lane < 16; lane++) words[0][lane] = (uint32_t)(group / 4 + lane);
      words[1] = (u16){} + (uint32_t)number;
      words[2] = (u16){} + (uint32_t)(number >> 32);
      words[3] = (u16){} + a->site;
      philox16(words, a->key[0], a->key[1]);
      for (int w = 0; w < 4 && group + 16 * w < a->width; w++) {
        const int64_t j = group + 16 * w;
        const v16 kept = v_load_at(x, j, a->width, 0) * a->scale;
        const v16 value = v_select((i16)(words[w] >= a->threshold), kept, v_all(0));
        const v16 sum = from ? v_load_at(from, j, a->width, 0) + value : value;
        v_store_at(y, j, a->width, sum);
      }
    }
  }
}
TK_KERNEL(tk_dropout, dropout)
