#pragma once
#include <stddef.h>
#include <stdint.h>
/// The bundled base checkpoint, or count 0 in a tree without it.
extern const uint8_t tinyrlhf_base[];
extern const size_t tinyrlhf_base_count;
