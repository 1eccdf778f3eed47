// The bundled base model, read from Weights/ when the program is built.
#include "CWeights.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#if defined(__has_embed) && __has_embed("../../Weights/base.trlhf.zst")
static const uint8_t base[] = {
#embed "../../Weights/base.trlhf.zst"
};
const size_t tinyrlhf_base_count = sizeof base;
#else
static const uint8_t base[] = {0};
const size_t tinyrlhf_base_count = 0;
#endif

const uint8_t *tinyrlhf_base_bytes(void) { return base; }
