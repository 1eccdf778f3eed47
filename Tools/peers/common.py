"""What the measurements of PyTorch share: the model, the clock, and the line of JSON they end with."""

import argparse
import json
import statistics
import time

import torch
from transformers import GPT2Config


def arguments(**counts):
    """The shape and the threads, and the measurement's own counts with their defaults."""
    parser = argparse.ArgumentParser()
    shape = dict(layers=12, d_model=768, heads=12, vocab=50257, threads=2)
    for name, default in (shape | counts).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=default)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    return options


def configuration(options, context, **more):
    """GPT-2 of this shape without dropout; attention is scaled_dot_product_attention, the fastest."""
    return GPT2Config(
        n_layer=options.layers, n_embd=options.d_model, n_head=options.heads, vocab_size=options.vocab,
        n_positions=context, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None,
        eos_token_id=None, attn_implementation="sdpa", **more)


def median_seconds(body, options, warm_up=1):
    """Of one call: at least three calls, and at least `--seconds`, after those that warm up."""
    for _ in range(warm_up):
        body()
    times = []
    while len(times) < 3 or sum(times) < options.seconds:
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def report(rate):
    print(json.dumps({"rate": rate}))
