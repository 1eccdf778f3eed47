"""Writes a checkpoint of random float32 weights after FORMAT.md, for measurements of files.

Has no tokenizer, so it opens, verifies, packs and unpacks, and is no model to talk to. Needs NumPy.
"""

import pathlib
import struct
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trlhf  # noqa: E402


def gpt2_tensors(layers, d_model, vocabulary, context):
    """Names and dims in the program's order."""
    tensors = [("token_embedding.weight", (vocabulary, d_model)), ("position_embedding.weight", (context, d_model))]

    def norm(name):
        tensors.extend([(f"{name}.weight", (d_model,)), (f"{name}.bias", (d_model,))])

    def linear(name, outputs, inputs):
        tensors.extend([(f"{name}.weight", (outputs, inputs)), (f"{name}.bias", (outputs,))])

    for layer in range(layers):
        norm(f"layers.{layer}.norm1")
        linear(f"layers.{layer}.attention.qkv", 3 * d_model, d_model)
        linear(f"layers.{layer}.attention.output", d_model, d_model)
        norm(f"layers.{layer}.norm2")
        linear(f"layers.{layer}.mlp.up", 4 * d_model, d_model)
        linear(f"layers.{layer}.mlp.down", d_model, 4 * d_model)
    norm("final_norm")
    return tensors


def write(path, layers=12, d_model=768, heads=12, vocabulary=50257, context=1024, seed=1):
    """Normal weights of deviation 0.02, as GPT-2 begins. Returns the file's bytes."""
    random = np.random.default_rng(seed)
    tensors, offsets, end = gpt2_tensors(layers, d_model, vocabulary, context), [], 0
    for _, dims in tensors:
        offsets.append(trlhf.round_up(end, trlhf.TENSOR_ALIGNMENT))
        end = offsets[-1] + 4 * int(np.prod(dims))
    weights = np.zeros(end, np.uint8)
    for (_, dims), offset in zip(tensors, offsets):
        count = int(np.prod(dims))
        weights[offset:offset + 4 * count].view("<f4")[:] = random.standard_normal(count, np.float32) * 0.02

    text = b'{"name":"random"}'
    slot = struct.pack("<4Q", 1, len(text), trlhf.xxh64(text, 1), 0) + text
    config = slot.ljust(32_768, b"\0") + bytes(32_768)
    bodies = [(1, 0, config), (3, 1, weights)]
    file_bytes = trlhf.PAGE + trlhf.SECTION_BYTES * len(bodies) + trlhf.TENSOR_BYTES * len(tensors)
    sections, movable, places = b"", b"", []
    for kind, role, body in bodies:
        offset = trlhf.round_up(file_bytes, trlhf.SECTION_ALIGNMENT)
        digest = 0 if kind == 1 else trlhf.long_hashes([body])[0]
        fields = (len(body), len(body), digest, 0, 0)
        sections += struct.pack("<4I6Q", kind, role, 1, 0, offset, *fields)
        movable += b"" if kind == 1 else struct.pack("<4I6Q", kind, role, 1, 0, 0, *fields)
        places.append(offset)
        file_bytes = offset + len(body)
    extents = [weights[offset:offset + 4 * int(np.prod(dims))] for (_, dims), offset in zip(tensors, offsets)]
    directory = b"".join(
        struct.pack("<64s4BI4I5Q", name.encode(), 0, 0, len(dims), 0, 1, *(dims + (0,) * (4 - len(dims))), offset,
                    len(extent), 0, 0, digest)
        for (name, dims), offset, extent, digest in zip(tensors, offsets, extents, trlhf.long_hashes(extents)))
    architecture = struct.pack(
        "<8IIfIIfII", layers, d_model, heads, heads, d_model // heads, 4 * d_model, vocabulary, context,
        0, 1e-5, 0, 0, 0.0, 0, 1 + 2 + 4 + 8).ljust(128, b"\0")
    training = bytes(128)
    content = trlhf.xxh64(architecture + training + movable + directory)

    def header(checksum):
        page = trlhf.MAGIC + struct.pack("<2I6Q2I", 1, 0, file_bytes, checksum, 1, content, 0, 0,
                                         len(bodies), len(tensors))
        return (page.ljust(128, b"\0") + architecture + training).ljust(trlhf.PAGE, b"\0") + sections + directory

    with open(path, "wb") as file:
        file.truncate(file_bytes)
        file.write(header(trlhf.xxh64(header(0))))
        for offset, (_, _, body) in zip(places, bodies):
            file.seek(offset)
            file.write(body)
    return file_bytes


if __name__ == "__main__":
    print(write(sys.argv[1]))
