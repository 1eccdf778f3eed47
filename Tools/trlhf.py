#!/usr/bin/env python3
"""Reads tinyrlhf's checkpoints, .trlhf, with NumPy alone, after Sources/Checkpoints/FORMAT.md.

    Tools/trlhf.py FILE                   what the file says, and its tensors
    Tools/trlhf.py FILE --verify          every hash, every padding byte, every value
    Tools/trlhf.py FILE --tensor NAME     one tensor; NAME, ROLE/NAME or SECTION/ROLE/NAME
    Tools/trlhf.py FILE … --json          one JSON object, with the keys of `tinyrlhf inspect`

    import trlhf
    file = trlhf.Checkpoint("sft.trlhf")  # mapped; its structure is checked, its weights untouched
    file.verify()
    file["embedding.weight"]              # ndarray: float32 in the mapping, others converted
    file.stored(file.find("wq.weight"))   # as it is stored
    for name, array in file.items(): …    # SECTION/ROLE/NAME

Of an int8 tensor both give the weights, where `tinyrlhf inspect` shows what is stored: scale times code.

Exit codes: 0 done, 64 usage, 65 a damaged file, 74 a file that cannot be read.
"""

import argparse
import json
import os
import struct
import sys

try:
    import numpy as np
except ImportError:
    sys.exit("NumPy is needed: install python3-numpy, or `pip install numpy`.")

MAGIC = b"\x89TRL\r\n\x1a\n"
ZSTD_MAGICS = (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")
PAGE, SECTION_BYTES, TENSOR_BYTES = 4096, 64, 128
BLOCK, SECTION_ALIGNMENT, TENSOR_ALIGNMENT = 65_536, 65_536, 256
SECTIONS = {1: "config", 2: "tokenizer", 3: "weights", 4: "head", 5: "moments", 6: "state",
            7: "provenance"}
WITH_TENSORS = ("weights", "head", "moments")
ROLES = ("none", "policy", "value", "reward", "reference", "average")
KINDS = ("base", "sft", "reward", "ppo", "value")
TYPES = {0: "float32", 1: "bfloat16", 2: "int8", 4: "float16"}
# The architecture record: offset, type and key of each word; the bits of its flags; the names of its choices.
FIELDS = (
    (0, "I", "layers"), (4, "I", "d_model"), (8, "I", "heads"), (12, "I", "kv_heads"), (16, "I", "head_dim"),
    (20, "I", "d_ff"), (24, "I", "vocabulary"), (28, "I", "context"), (32, "I", "norm"), (36, "f", "norm_epsilon"),
    (40, "I", "position"), (44, "I", "rotary_dims"), (48, "f", "rope_theta"), (52, "I", "mlp"), (56, "I", "flags"),
    (60, "f", "rope_scaling.factor"), (64, "f", "rope_scaling.low_frequency_factor"),
    (68, "f", "rope_scaling.high_frequency_factor"), (72, "I", "rope_scaling.original_context"), (76, "I", "window"),
    (80, "f", "attention_scale"), (84, "f", "attention_cap"), (88, "f", "logit_cap"), (92, "f", "embedding_scale"),
    (96, "f", "logit_scale"), (100, "f", "residual_scale"), (104, "I", "other_layers.period"),
    (108, "Q", "other_layers.places"), (116, "I", "other_layers.window"), (120, "f", "other_layers.rope_theta"),
    (124, "I", "norm_placement"),
)
FLAGS = {
    1: "attention_bias", 2: "mlp_bias", 4: "norm_bias", 8: "tied_embeddings", 16: "attention_output_bias",
    32: "parallel_residual", 64: "query_key_norm", 128: "rope_scaling", 256: "norm_unit_offset",
    512: "query_key_norm_spans_heads",
}
CHOICES = {
    "norm": ("layernorm", "rmsnorm"), "position": ("learned", "rotary"),
    "mlp": ("gelu", "swiglu", "gelu_exact", "geglu", "geglu_exact", "silu"),
    "norm_placement": ("before", "after", "both"),
}


class Damaged(Exception):
    """A file that is not as the format wants it: what, at which byte, in which record."""

    def __init__(self, path, what, byte, record):
        super().__init__(f"{path}, byte {byte} ({record}): {what}")


def round_up(count, alignment):
    return -(-count // alignment) * alignment


# MARK: XXH64, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
U64 = (1 << 64) - 1


def _rotate(x, bits):
    return (x << bits | x >> (64 - bits)) & U64


def _step(lane, word):
    return _rotate((lane + word * P2) & U64, 31) * P1 & U64


def _lanes(seed):
    return [(seed + P1 + P2) & U64, (seed + P2) & U64, seed, (seed - P1) & U64]


def _finish(value, count, rest):
    """The bytes behind the last whole stripe of 32, and the avalanche."""
    value = (value + count) & U64
    at = 0
    while len(rest) - at >= 8:
        value = (_rotate(value ^ _step(0, int.from_bytes(rest[at:at + 8], "little")), 27) * P1 + P4) & U64
        at += 8
    if len(rest) - at >= 4:
        word = int.from_bytes(rest[at:at + 4], "little")
        value = (_rotate(value ^ word * P1 & U64, 23) * P2 + P3) & U64
        at += 4
    for byte in rest[at:]:
        value = _rotate(value ^ byte * P5 & U64, 11) * P1 & U64
    value = (value ^ value >> 33) * P2 & U64
    value = (value ^ value >> 29) * P3 & U64
    return value ^ value >> 32


def xxh64(data, seed=0):
    """Of a bytes-like object, stripe by stripe: for what is short."""
    data = bytes(data)
    stripes = len(data) // 32
    if stripes == 0:
        return _finish((seed + P5) & U64, len(data), data)
    lanes = _lanes(seed)
    for words in struct.iter_unpack("<4Q", data[:32 * stripes]):
        lanes = [_step(lane, word) for lane, word in zip(lanes, words)]
    value = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & U64
    for lane in lanes:
        value = ((value ^ _step(0, lane)) * P1 + P4) & U64
    return _finish(value, len(data), data[32 * stripes:])


def _rotate_all(x, bits):
    return x << np.uint64(bits) | x >> np.uint64(64 - bits)


def _step_all(lanes, words):
    return _rotate_all(lanes + words * np.uint64(P2), 31) * np.uint64(P1)


def xxh64_of_many(pieces, at_once=256):
    """The hashes of many byte arrays of up to 65,536 bytes, as many side by side as fit a cache."""
    hashes = [0] * len(pieces)
    # The longest first: of the pieces side by side, those that still have a stripe are the first.
    order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i]))
    for first in range(0, len(order), at_once):
        group = order[first:first + at_once]
        stripes = np.array([len(pieces[i]) // 32 for i in group])
        words = np.zeros((int(stripes[0]), len(group), 4), np.uint64)
        for column, i in enumerate(group):
            count = int(stripes[column])
            words[:count, column] = pieces[i][:32 * count].view("<u8").reshape(count, 4)
        lanes = np.tile(np.array(_lanes(0), np.uint64), (len(group), 1))
        for stripe in range(int(stripes[0])):
            active = int(np.searchsorted(-stripes, -stripe))
            lanes[:active] = _step_all(lanes[:active], words[stripe, :active])
        value = sum(_rotate_all(lanes[:, l], bits) for l, bits in enumerate((1, 7, 12, 18)))
        for l in range(4):
            value = (value ^ _step_all(np.uint64(0), lanes[:, l])) * np.uint64(P1) + np.uint64(P4)
        for column, i in enumerate(group):
            piece, count = pieces[i], int(stripes[column])
            hashes[i] = (_finish(int(value[column]), len(piece), piece[32 * count:].tobytes())
                         if count else xxh64(piece))
    return hashes


def long_hashes(extents):
    """XXH64 over the XXH64s of each extent's 65,536-byte blocks."""
    blocks, counts = [], []
    for extent in extents:
        mine = [extent[start:start + BLOCK] for start in range(0, len(extent), BLOCK)]
        counts.append(len(mine))
        blocks += mine
    hashes = iter(xxh64_of_many(blocks))
    return [xxh64(b"".join(next(hashes).to_bytes(8, "little") for _ in range(count)))
            for count in counts]


# MARK: The rotation of int8 tensors

def _hadamard(order):
    """(−1)^popcount(i & j) / √order."""
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / np.float32(order ** 0.5)


def rotated_back(rows):
    """R⁻¹ of each row, a new array. Of codes it is exact: no sum needs more than 20 bits."""
    rows = np.array(rows, np.float32)
    count, columns = rows.shape
    order = next(order for order in (64, 16, 1) if columns >= order)
    matrix, whole = _hadamard(order), columns // order * order
    if whole < columns:
        rows[:, -order:] = rows[:, -order:] @ matrix
    rows[:, :whole] = (rows[:, :whole].reshape(-1, order) @ matrix).reshape(count, whole)
    return rows


# MARK: Records

class Section:
    def __init__(self, record):
        (self.kind, self.role, self.flags, self.codec, self.offset, self.bytes, self.raw_bytes,
         self.hash) = struct.unpack_from("<4I4Q", record)
        self.name = SECTIONS.get(self.kind, f"unknown {self.kind}")
        self.role_name = ROLES[self.role] if self.role < len(ROLES) else f"unknown {self.role}"

    @property
    def end(self):
        return self.offset + self.bytes


class Tensor:
    def __init__(self, record):
        name, self.type, self.layout, self.rank, self.spare, self.section = struct.unpack_from(
            "<64s4BI", record)
        self.padded_name = name
        self.name = name.rstrip(b"\0").decode("latin-1")
        self.dims = struct.unpack_from("<4I", record, 72)
        self.offset, self.bytes, self.scale_offset, self.row_sum_offset, self.hash = (
            struct.unpack_from("<5Q", record, 88))

    @property
    def shape(self):
        return self.dims[:self.rank]

    @property
    def factor_offset(self):
        """Of an int8 tensor, from the start of the section."""
        return round_up(self.row_sum_offset + 4 * self.dims[0], TENSOR_ALIGNMENT)

    @property
    def end(self):
        """Of its last part, from the start of the section."""
        return self.factor_offset + 4 * self.dims[1] if self.type == 2 else self.offset + self.bytes


class Checkpoint:
    """A checkpoint, mapped. A mapping from SECTION/ROLE/NAME to ndarray."""

    def __init__(self, path):
        self.path = path
        self.file_bytes = os.path.getsize(path)
        self._require(self.file_bytes >= PAGE, "the file ends inside its header page", self.file_bytes, "header")
        self.data = np.memmap(path, np.uint8, "r")
        self._read_page()
        self._read_sections()
        self._read_tensors()
        self._check_hashes()
        self.configuration_text = self._read_configuration()

    def _require(self, holds, what, byte, record):
        if not holds:
            raise Damaged(self.path, what, byte, record)

    def _require_zeros(self, start, end, record):
        wrong = np.flatnonzero(self.data[start:end])
        self._require(len(wrong) == 0, "a byte that means nothing is not zero",
                      start + int(wrong[0]) if len(wrong) else start, record)

    def _read_page(self):
        page = self.data[:PAGE].tobytes()
        self._require(page[:4] not in ZSTD_MAGICS, "this is an archive; expand it with `tinyrlhf unpack`", 0, "header")
        self._require(page[:8] == MAGIC, "this is not a .trlhf checkpoint", 0, "header")
        (major, self.minor, file_bytes, self.checksum, self.identity, self.content_hash,
         self.base_content_hash, self.tokenizer_hash, sections, tensors) = struct.unpack_from("<2I6Q2I", page, 8)
        self._require(major == 1, f"format version {major}.{self.minor}; this reader reads version 1", 8, "header")
        self._require(file_bytes == self.file_bytes, f"the file has {self.file_bytes} bytes, but its header states {file_bytes}",
                      16, "header")
        self._require(1 <= sections <= 256, f"{sections} sections", 64, "header")
        self._require(tensors <= 1 << 20, f"{tensors} tensors", 68, "header")
        self.tables_bytes = PAGE + SECTION_BYTES * sections + TENSOR_BYTES * tensors
        self._require(self.tables_bytes <= self.file_bytes, "the file ends inside its tables", self.file_bytes, "tables")
        tables = bytearray(self.data[:self.tables_bytes].tobytes())
        tables[24:32] = bytes(8)
        self._require(xxh64(tables) == self.checksum, "the checksum is wrong", 24, "header")
        if self.minor == 0:
            for start, end in ((72, 128), (256 + 72, PAGE)):
                self._require_zeros(start, end, "header")
        self._architecture(page[128:256])
        self._training(page[256:384])
        self.sections = [Section(self.data[at:at + SECTION_BYTES].tobytes())
                         for at in range(PAGE, PAGE + SECTION_BYTES * sections, SECTION_BYTES)]
        self._directory = PAGE + SECTION_BYTES * sections
        self.tensors = [Tensor(self.data[at:at + TENSOR_BYTES].tobytes())
                        for at in range(self._directory, self.tables_bytes, TENSOR_BYTES)]

    def _architecture(self, record):
        words = {key: struct.unpack_from("<" + form, record, at)[0] for at, form, key in FIELDS}
        self._check_architecture(words)
        flags = words.pop("flags")
        result = {name: bool(flags & bit) for bit, name in FLAGS.items() if bit < 128 or bit > 128 and flags & bit}
        result["attention_output_bias"] = flags & 17 == 1
        if words["position"] == 0:
            del words["rotary_dims"], words["rope_theta"]
        for key, value in words.items():
            name, _, inner = key.partition(".")
            if key in CHOICES:
                value = CHOICES[key][value]
            if inner:
                result[name] = {**(result.get(name) or {}), inner: value}
            elif key in ("layers", "rotary_dims", "rope_theta") or value not in (0, "before"):
                result[name] = value
        if not flags & 128:
            result.pop("rope_scaling", None)
        others = result["other_layers"]
        if others["period"]:
            others["places"] = [place for place in range(others["period"]) if others["places"] >> place & 1]
        else:
            del result["other_layers"]
        self.architecture = result

    def _check_architecture(self, words):
        def positive(key):
            return bool(np.isfinite(words[key]) and words[key] > 0)

        def factor(key):
            return words[key] == 0 or bool(np.isfinite(words[key]) and words[key] != 1)

        rotary, flags = words["position"] == 1, words["flags"]
        scaled, period, places = bool(flags & 128), words["other_layers.period"], words["other_layers.places"]
        low, theta = words["rope_scaling.low_frequency_factor"], words["other_layers.rope_theta"]
        rules = [(1 <= words[key] <= 1 << 24, key) for _, _, key in FIELDS[:8]]
        rules += [(words["heads"] % max(words["kv_heads"], 1) == 0, "kv_heads"), (positive("norm_epsilon"), "norm_epsilon")]
        rules += [(words[key] < len(names), key) for key, names in CHOICES.items()]
        rules += [
            (not rotary or words["rotary_dims"] % 2 == 0 and 2 <= words["rotary_dims"] <= words["head_dim"], "rotary_dims"),
            (not rotary or positive("rope_theta") and words["rope_theta"] > 1, "rope_theta"),
            (flags < 1024 and flags & 17 != 16 and flags & 576 != 512, "flags"),
            (not (flags & 32 and words["norm_placement"]) and (rotary or not scaled), "flags"),
            (scaled or not any(words[key] for _, _, key in FIELDS[15:19]), "rope_scaling.factor"),
            (not scaled or positive("rope_scaling.factor") and words["rope_scaling.factor"] >= 1, "rope_scaling.factor"),
            (not scaled or positive("rope_scaling.low_frequency_factor"), "rope_scaling.low_frequency_factor"),
            (not scaled or positive("rope_scaling.high_frequency_factor")
             and words["rope_scaling.high_frequency_factor"] > low, "rope_scaling.high_frequency_factor"),
            (not scaled or 1 <= words["rope_scaling.original_context"] <= 1 << 24, "rope_scaling.original_context"),
            (words["window"] <= 1 << 24, "window"), (words["other_layers.window"] <= 1 << 24, "other_layers.window"),
            (period <= 64, "other_layers.period"),
            (bool(period) or not any(words[key] for _, _, key in FIELDS[26:30]), "other_layers.period"),
            (not period or 0 < places < (1 << min(period, 64)) - 1, "other_layers.places"),
            (theta == 0 or rotary and positive("other_layers.rope_theta") and theta > 1, "other_layers.rope_theta"),
        ]
        rules += [(words[key] == 0 or positive(key), key) for key in ("attention_scale", "attention_cap", "logit_cap")]
        rules += [(factor(key), key) for key in ("embedding_scale", "logit_scale", "residual_scale")]
        offsets = {key: at for at, _, key in FIELDS}
        for holds, key in rules:
            self._require(holds, f"{key} is {words[key]}", 128 + offsets[key], "architecture record")

    def _training(self, record):
        kind, can_go_on, step, seed, *words = struct.unpack_from("<2I8Q", record)
        self._require(kind < len(KINDS) and can_go_on <= 1, f"kind {kind}, flag {can_go_on}", 256, "training record")
        self.training = dict(kind=KINDS[kind], training_checkpoint=bool(can_go_on), step=step, seed=seed,
                             reserved=words)

    def _read_sections(self):
        end, before = self.tables_bytes, (0, 0)
        for index, section in enumerate(self.sections):
            byte, record = PAGE + SECTION_BYTES * index, f"section {index}"
            known = section.kind in SECTIONS
            for holds, what, at in (
                (index > 0 or section.kind == 1, "the first section is not CONFIG", 0),
                ((section.kind, section.role) > before, "duplicate or out of order", 0),
                (known or not section.flags & 1, f"the kind {section.kind} is unknown and required", 0),
                (not known or section.role == 0
                 or section.name in WITH_TENSORS and section.role < len(ROLES), f"role {section.role}", 4),
                (not known or section.flags == 1, f"flags {section.flags}", 8),
                (section.codec == 0, f"codec {section.codec}", 12),
                (section.offset == round_up(end, SECTION_ALIGNMENT), f"offset {section.offset}", 16),
                (section.bytes >= 1 and section.end <= self.file_bytes, f"{section.bytes} bytes", 24),
                (section.raw_bytes == section.bytes, f"{section.raw_bytes} raw bytes", 32),
                (section.kind != 1 or section.bytes % BLOCK == 0, "CONFIG is not two slots", 24),
                (section.kind != 1 or section.hash == 0, "CONFIG has a hash", 40),
            ):
                self._require(holds, what, byte + at, record)
            self._require_zeros(byte + 48, byte + SECTION_BYTES, record)
            end, before = section.end, (section.kind, section.role)
        self._require(end == self.file_bytes, "bytes belong to no section", end, "file")

    def _read_tensors(self):
        ends, before, names = [0] * len(self.sections), 0, set()
        for index, tensor in enumerate(self.tensors):
            byte, record = self._directory + TENSOR_BYTES * index, f"tensor {index} {tensor.name!r}"
            plain = tensor.name.encode("latin-1")
            require = lambda holds, what, at: self._require(holds, what, byte + at, record)
            require(before <= tensor.section < len(self.sections)
                    and self.sections[tensor.section].name in WITH_TENSORS, f"section {tensor.section}", 68)
            require(1 <= len(plain) <= 63 and all(0x21 <= c <= 0x7E for c in plain), "not a name", 0)
            require((tensor.section, plain) not in names, "its name appears twice", 0)
            require(tensor.type in TYPES, f"type {tensor.type}", 64)
            int8 = tensor.type == 2
            require(not int8 or tensor.layout != 1, "this int8 tensor has the earlier layout: one scale per row and no "
                    "factors; quantise the model that it was made from again with `tinyrlhf quantize`", 65)
            require(tensor.layout == (2 if int8 else 0) and tensor.spare == 0, f"layout {tensor.layout}", 65)
            require(1 <= tensor.rank <= 4 and (not int8 or tensor.rank == 2), f"rank {tensor.rank}", 66)
            require(all(tensor.shape) and not any(tensor.dims[tensor.rank:]), f"dims {tensor.dims}", 72)
            if int8:
                rows, columns = tensor.shape
                count = round_up(rows, 16) * round_up(columns, 4)
            else:
                count = 4 if tensor.type == 0 else 2
                for dim in tensor.shape:
                    count *= dim
            offset = round_up(ends[tensor.section], TENSOR_ALIGNMENT)
            scales = round_up(offset + count, TENSOR_ALIGNMENT) if int8 else 0
            sums = round_up(scales + 4 * tensor.dims[0], TENSOR_ALIGNMENT) if int8 else 0
            for value, wanted, at in ((tensor.offset, offset, 88), (tensor.bytes, count, 96),
                                      (tensor.scale_offset, scales, 104), (tensor.row_sum_offset, sums, 112)):
                require(value == wanted, f"{value}, where {wanted} is right", at)
            require(tensor.end <= self.sections[tensor.section].bytes, "reaches beyond its section", 96)
            ends[tensor.section], before = tensor.end, tensor.section
            names.add((tensor.section, plain))
        for index, section in enumerate(self.sections):
            self._require(section.name not in WITH_TENSORS or ends[index] == section.bytes,
                          "its tensors do not end where it does", PAGE + SECTION_BYTES * index + 24, f"section {index}")

    def _check_hashes(self):
        said = self.data[128:384].tobytes()
        for index, section in enumerate(self.sections):
            if section.kind != 1:
                at = PAGE + SECTION_BYTES * index
                record = bytearray(self.data[at:at + SECTION_BYTES].tobytes())
                record[16:24] = bytes(8)
                said += record
        said += self.data[self._directory:self.tables_bytes].tobytes()
        self._require(xxh64(said) == self.content_hash, "the content hash is wrong", 40, "header")
        tokenizer = [s.hash for s in self.sections if s.kind == 2] or [0]
        self._require(tokenizer[0] == self.tokenizer_hash, "the tokenizer's hash is not its section's", 56, "header")

    def _read_slot(self, at, size):
        """Generation and text of a slot of CONFIG; None where it is not whole."""
        generation, length, digest, spare = struct.unpack("<4Q", self.data[at:at + 32].tobytes())
        if generation == 0 or length > size - 32 or spare != 0:
            return None
        text = self.data[at + 32:at + 32 + length].tobytes()
        return (generation, text) if xxh64(text, generation) == digest else None

    def _slots(self):
        config = self.sections[0]
        size = config.bytes // 2
        return [(at, size, self._read_slot(at, size)) for at in (config.offset, config.offset + size)]

    def _read_configuration(self):
        config = self.sections[0]
        best = max((slot for _, _, slot in self._slots() if slot), key=lambda slot: slot[0], default=(0, b""))
        self._require(best[0] > 0, "neither slot of CONFIG is valid", config.offset, "CONFIG")
        return best[1]

    # MARK: What it holds

    def section(self, name):
        """The bytes of a section without tensors; empty if there is none."""
        for section in self.sections:
            if section.name == name:
                return self.data[section.offset:section.end].tobytes()
        return b""

    def address(self, tensor):
        section = self.sections[tensor.section]
        return f"{section.name}/{section.role_name}/{tensor.name}"

    def find(self, name):
        """The tensor called NAME, ROLE/NAME or SECTION/ROLE/NAME."""
        def names(tensor):
            address = self.address(tensor)
            return tensor.name, address.split("/", 1)[1], address
        found = [tensor for tensor in self.tensors if name in names(tensor)]
        if len(found) != 1:
            choices = ", ".join(self.address(tensor) for tensor in found)
            raise KeyError(f"{len(found)} tensors are called {name!r}" + (f": {choices}" if found else ""))
        return found[0]

    def array(self, tensor):
        """A tensor's values, float32: in the mapping where they lie so, else converted. Of int8 the weights."""
        start = self.sections[tensor.section].offset + tensor.offset
        elements = self.data[start:start + tensor.bytes]
        if tensor.type == 0:
            return elements.view("<f4").reshape(tensor.shape)
        if tensor.type == 1:
            return (elements.view("<u2").astype(np.uint32) << 16).view(np.float32).reshape(tensor.shape)
        if tensor.type == 4:
            return elements.view("<f2").astype(np.float32).reshape(tensor.shape)
        scales, _, factors = self.int8_parts(tensor)
        rows, columns = tensor.shape
        # In this order one product rounds, the last.
        return rotated_back(self._codes(tensor)[:rows, :columns]) * factors * scales[:, None]

    def stored(self, tensor):
        """A tensor's values as they are stored: of int8 scale times code, else as `array`."""
        if tensor.type != 2:
            return self.array(tensor)
        rows, columns = tensor.shape
        return self._codes(tensor)[:rows, :columns].astype(np.float32) * self.int8_parts(tensor)[0][:, None]

    def _codes(self, tensor):
        """Of an int8 tensor, with their padding, as rows and columns."""
        rows, columns = tensor.shape
        start = self.sections[tensor.section].offset + tensor.offset
        packed = self.data[start:start + tensor.bytes].view(np.int8).reshape(-1, -(-columns // 4), 16, 4)
        return packed.transpose(0, 2, 1, 3).reshape(round_up(rows, 16), -1)

    def int8_parts(self, tensor):
        """Scales, row sums and factors of an int8 tensor."""
        start, (rows, columns) = self.sections[tensor.section].offset, tensor.shape
        def part(offset, count, kind):
            return self.data[start + offset:start + offset + 4 * count].view(kind)
        return (part(tensor.scale_offset, rows, "<f4"), part(tensor.row_sum_offset, rows, "<i4"),
                part(tensor.factor_offset, columns, "<f4"))

    def __getitem__(self, name):
        return self.array(self.find(name))

    def __len__(self):
        return len(self.tensors)

    def __iter__(self):
        return (self.address(tensor) for tensor in self.tensors)

    def items(self):
        return ((self.address(tensor), self.array(tensor)) for tensor in self.tensors)

    # MARK: Verification

    def _verify_configuration(self):
        """Nothing lies behind the text of a whole slot, nor in one that was never written."""
        for at, size, slot in self._slots():
            is_torn = slot is None and self.data[at + 32] == ord("{")
            if not is_torn:
                self._require_zeros(at + (32 + len(slot[1]) if slot else 0), at + size, "CONFIG")

    def verify(self):
        """Checks what opening does not read: padding, hashes and values."""
        end = self.tables_bytes
        for index, section in enumerate(self.sections):
            self._require_zeros(end, section.offset, f"padding before section {index}")
            end = section.end
        self._verify_configuration()
        hashed = [section for section in self.sections if section.kind != 1]
        sections = long_hashes([self.data[s.offset:s.end] for s in hashed])
        for section, found in zip(hashed, sections):
            self._require(found == section.hash, "its hash does not match its bytes", section.offset, f"section {section.name}")
        extents = []
        for tensor in self.tensors:
            start = self.sections[tensor.section].offset
            extents.append(self.data[start + tensor.offset:start + tensor.end])
        ends = [0] * len(self.sections)
        for tensor, found in zip(self.tensors, long_hashes(extents)):
            start, record = self.sections[tensor.section].offset, f"tensor {tensor.name!r}"
            at = start + tensor.offset
            self._require_zeros(start + ends[tensor.section], at, record)
            ends[tensor.section] = tensor.end
            self._require(found == tensor.hash, "its hash does not match its bytes", at, record)
            if tensor.type == 2:
                self._verify_int8(tensor, start, record)
            else:
                self._require(np.isfinite(self.array(tensor)).all(), "a value is not finite", at, record)

    def _verify_int8(self, tensor, start, record):
        codes, (scales, sums, factors) = self._codes(tensor), self.int8_parts(tensor)
        rows, columns = tensor.shape
        at = start + tensor.offset
        self._require_zeros(at + tensor.bytes, start + tensor.scale_offset, record)
        self._require_zeros(start + tensor.scale_offset + 4 * rows, start + tensor.row_sum_offset, record)
        self._require_zeros(start + tensor.row_sum_offset + 4 * rows, start + tensor.factor_offset, record)
        self._require((codes != -128).all(), "a code is -128", at, record)
        self._require(not codes[rows:].any() and not codes[:, columns:].any(), "a padding code is not zero", at, record)
        self._require((np.isfinite(scales) & (scales > 0)).all(), "a scale is not finite and positive",
                      start + tensor.scale_offset, record)
        wanted = codes[:rows].sum(1, dtype=np.int64).astype(np.int32)
        self._require((wanted == sums).all(), "a stored row sum differs from the sum of the row's codes",
                      start + tensor.row_sum_offset, record)
        bits = factors.view("<u4")
        wrong = np.flatnonzero((bits & 0x7FFFFF != 0) | (bits < 0x2F800000) | (bits > 0x4F800000))
        for column in wrong[:1]:
            self._require(False, f"the factor of column {column} is {factors[column]}, not a power of two from 2⁻³² to 2³²",
                          start + tensor.factor_offset + 4 * int(column), record)

    # MARK: As JSON

    def describe(self, tensor):
        section = self.sections[tensor.section]
        return dict(name=tensor.name, section=section.name, role=section.role_name, type=TYPES[tensor.type],
                    dims=list(tensor.shape), offset=tensor.offset, bytes=tensor.bytes, hash=f"{tensor.hash:016x}")

    def summary(self, verified):
        def parsed(text):
            return json.loads(text) if text else None
        return dict(
            file=self.path, version=f"1.{self.minor}", file_bytes=self.file_bytes, verified=verified,
            identity=f"{self.identity:016x}", content_hash=f"{self.content_hash:016x}",
            base_content_hash=f"{self.base_content_hash:016x}", tokenizer_hash=f"{self.tokenizer_hash:016x}",
            architecture=self.architecture, training=self.training,
            sections=[dict(kind=s.name, role=s.role_name, offset=s.offset, bytes=s.bytes, hash=f"{s.hash:016x}")
                      for s in self.sections],
            tensors=[self.describe(tensor) for tensor in self.tensors],
            configuration=parsed(self.configuration_text), provenance=parsed(self.section("provenance")))


def values(array):
    """A flat list for JSON, null for what is not finite."""
    return [value if np.isfinite(value) else None for value in array.ravel().tolist()]


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(64, f"{self.prog}: {message}\n")


def main():
    parser = Parser(description="Reads tinyrlhf's checkpoints.", epilog=__doc__.rpartition("\n\n")[2])
    parser.add_argument("file")
    parser.add_argument("--verify", action="store_true", help="check every hash and value")
    parser.add_argument("--tensor", metavar="NAME", help="one tensor and its values")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    try:
        file = Checkpoint(options.file)
        if options.verify:
            file.verify()
        if options.tensor:
            tensor = file.find(options.tensor)
            if options.json:
                print(json.dumps(dict(file.describe(tensor), values=values(file.array(tensor)))))
            else:
                print(f"{file.address(tensor)}: {' × '.join(map(str, tensor.shape))} {TYPES[tensor.type]}")
                print(file.array(tensor))
        elif options.json:
            print(json.dumps(file.summary(options.verify)))
        else:
            print(f"{ascii(file.path)[1:-1]}: {file.training['kind']} model, {file.file_bytes} bytes"
                  + (", verified" if options.verify else ""))
            for section in file.sections:
                print(f"  {section.name} {section.role_name}: {section.bytes} bytes at {section.offset}")
            for tensor in file.tensors:
                print(f"    {file.address(tensor)}  {' × '.join(map(str, tensor.shape))}  {TYPES[tensor.type]}")
    except Damaged as error:
        sys.stderr.write(f"trlhf.py: {error}\n")
        return 65
    except KeyError as error:
        sys.stderr.write(f"trlhf.py: {error.args[0]}\n")
        return 64
    except OSError as error:
        sys.stderr.write(f"trlhf.py: {error}\n")
        return 74
    return 0


if __name__ == "__main__":
    sys.exit(main())
