// The bundled base model, read from Weights/ when the program is built.
#include "CWeights.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#if defined(__has_embed) && __has_embed("../../Weights/base.trlhf.zst")
const uint8_t tinyrlhf_base[] = {
#embed "../../Weights/base.trlhf.zst"
};
const size_t tinyrlhf_base_count = sizeof tinyrlhf_base;
#else
const uint8_t tinyrlhf_base[] = {0};
const size_t tinyrlhf_base_count = 0;
#endif
