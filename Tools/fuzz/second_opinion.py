#!/usr/bin/env python3
"""What Python's json says of the texts that the fuzz target `json` sends.

Each question is two texts, each behind its length (u32, little-endian): an input, and what tinyrlhf writes
of the value that it read (nothing where it refuses the input). The answer is one byte: `=` where both
programs agree, `a` where only Python accepts the input, `r` where only Python refuses it, `v` where the
values differ.

tinyrlhf is stricter than Python in what README says of JSON: a text is UTF-8, an object has no key twice,
there is no unpaired surrogate, no NaN and no infinity (a number that rounds to one included), and at most 64
lists and objects lie within each other. It skips a byte order mark at the beginning.
"""
import json
import math
import struct
import sys

DEPTH = 64


def pairs(members):
    keys = [key for key, _ in members]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice")
    return dict(members)


def number(text):
    value = float(text)
    if math.isinf(value):
        raise ValueError("too large")
    return value


def whole(text):
    # Beyond 64 bits a whole number is read as the nearest float64.
    digits = text.lstrip("-")
    if len(digits) > 400:
        return number(text)
    value = int(text)
    return value if -(2**63) <= value < 2**63 else number(text)


def constant(text):
    raise ValueError(f"{text} is no number")


def check(value, depth=0):
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, (list, dict)):
        if depth == DEPTH:
            raise ValueError("too deep")
        for child in value.values() if isinstance(value, dict) else value:
            check(child, depth + 1)
        for key in value if isinstance(value, dict) else ():
            key.encode("utf-8")


def read(data):
    value = json.loads(
        data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), object_pairs_hook=pairs, parse_float=number,
        parse_int=whole, parse_constant=constant)
    check(value)
    return value


def same(a, b):
    """Equality that tells true from 1, as `==` does not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b


def answer(data, written):
    try:
        value = read(data)
    except (ValueError, RecursionError):
        return b"r" if written else b"="
    if not written:
        return b"a"
    return b"=" if same(value, read(written)) else b"v"


def main():
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        data = source.read(*struct.unpack("<I", head))
        written = source.read(*struct.unpack("<I", source.read(4)))
        sink.write(answer(data, written))
        sink.flush()


if __name__ == "__main__":
    main()
