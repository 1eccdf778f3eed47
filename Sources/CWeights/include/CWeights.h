#pragma once
#include <stddef.h>
#include <stdint.h>

/// The bundled base checkpoint, a packed .trlhf; count 0 in a tree without it.
const uint8_t *tinyrlhf_base_bytes(void);
extern const size_t tinyrlhf_base_count;
