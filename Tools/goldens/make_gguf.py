"""Writes Tests/InterchangeTests/Goldens/gguf.json: blocks of every type that a GGUF file may have, and what PyPI's gguf makes of them.

    /tmp/goldens/bin/pip install gguf==0.19.0 numpy==2.4.6
    /tmp/goldens/bin/python Tools/goldens/make_gguf.py

Schema:
  made_with  {"gguf", "numpy", "seed"}
  types      {NAME: {"number", "block_elements", "block_bytes", "blocks": base64, "values": base64 of float32, little-endian}}

Every block is random bits; its float16 scales are finite: of all magnitudes, and of each extreme (0, −0, the least
subnormal, the largest number). The bits of the values are those of `gguf.quants.dequantize`.
"""

import base64
import importlib.metadata
import json
import pathlib

import gguf
import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/InterchangeTests/Goldens/gguf.json"
SEED = 17
BLOCKS = 12
# Where a block has its float16 scales.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
EXTREMES = [0x0000, 0x8000, 0x0001, 0x7BFF, 0xFBFF, 0x03FF]


def finite_half(random, number):
    if number < len(EXTREMES):
        return EXTREMES[number]
    while True:
        bits = int(random.integers(1 << 16))
        if bits & 0x7C00 != 0x7C00:
            return bits


def plain(random, name):
    """Numbers that stand alone, none of them infinite or NaN."""
    count, width = 128, 4 if name == "F32" else 2
    data = random.integers(0, 256, (count, width), dtype=np.uint8)
    exponent = {"F32": 0x7F80_0000, "F16": 0x7C00, "BF16": 0x7F80}[name]
    bits = np.ascontiguousarray(data).view(np.uint32 if width == 4 else np.uint16)[:, 0].copy()
    bits[bits & exponent == exponent] &= ~np.array(exponent, dtype=bits.dtype)
    return bits.view(np.uint8)


def blocks(random, name, size):
    data = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for number in range(BLOCKS):
        for index, offset in enumerate(SCALES[name]):
            half = finite_half(random, (number + index) % (len(EXTREMES) + 3) if number < 9 else 99)
            data[number, offset:offset + 2] = [half & 255, half >> 8]
    return data.reshape(-1)


def main():
    random = np.random.default_rng(SEED)
    types = {}
    for name in ["F32", "F16", "BF16", *SCALES]:
        number = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[number]
        data = blocks(random, name, size) if name in SCALES else plain(random, name)
        values = np.ascontiguousarray(gguf.quants.dequantize(data.reshape(1, -1), number), dtype=np.float32)
        assert np.isfinite(values).all(), name
        types[name] = {"number": int(number), "block_elements": elements, "block_bytes": size,
                       "blocks": base64.b64encode(data.tobytes()).decode(),
                       "values": base64.b64encode(values.astype("<f4").tobytes()).decode()}
    made = {"gguf": importlib.metadata.version("gguf"), "numpy": np.__version__, "seed": SEED}
    OUT.write_text(json.dumps({"made_with": made, "types": types}, indent=0) + "\n")


if __name__ == "__main__":
    main()
