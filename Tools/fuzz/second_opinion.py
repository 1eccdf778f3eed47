#!/usr/bin/env python3
"""What Python's json says of the texts that the fuzz target `json` sends.

Each question is two lengths (u32, little-endian) and as many bytes: an input, and what tinyrlhf writes of the
value that it read (nothing where it refuses the input). The answer is one byte, before the next question: `=`
where both programs agree, `a` where only Python accepts the input, `r` where only Python refuses it, `v` where
the values differ.

tinyrlhf is stricter than Python in what README says of JSON: a text is UTF-8, an object has no key twice,
there is no unpaired surrogate, no NaN and no infinity (a number that rounds to one included), and at most 64
lists and objects lie within each other. It skips a byte order mark at the beginning.
"""
import json
import math
import os
import struct

DEPTH = 64


def pairs(members):
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("a key stands twice")
    return value


def number(text):
    value = float(text)
    if math.isinf(value):
        raise ValueError("too large")
    return value


def whole(text):
    # What neither an Int64 nor a UInt64 holds is read as the nearest float64.
    if len(text) > 20:
        return number(text)
    value = int(text)
    return value if -(2**63) <= value < 2**64 else number(text)


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


DECODER = json.JSONDecoder(
    object_pairs_hook=pairs, parse_float=number, parse_int=whole, parse_constant=constant)


def read(data):
    value = DECODER.decode(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    # Only an escape makes a surrogate.
    if b"\\u" in data or data.count(b"[") + data.count(b"{") > DEPTH:
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


def receive(count, data=b""):
    """`data` and what follows it, until there are `count` bytes; fewer when nothing more comes."""
    while len(data) < count and (more := os.read(0, 1 << 16)):
        data += more
    return data


def main():
    while len(message := receive(8)) >= 8:
        first, second = struct.unpack_from("<II", message)
        message = receive(8 + first + second, message)
        os.write(1, answer(message[8:8 + first], message[8 + first:]))


if __name__ == "__main__":
    main()
