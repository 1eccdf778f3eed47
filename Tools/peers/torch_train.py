"""Tokens a second of a float32 training step in PyTorch: forward, backward, clipping to 1, AdamW.

As a user would write it to be fast on a CPU: one fused AdamW over all parameters, gradients set to None, and
with `--compile` the model through torch.compile.
"""

import torch
from transformers import GPT2LMHeadModel

from common import arguments, configuration, median_seconds, report

options = arguments(batch=4, context=256)
model = GPT2LMHeadModel(configuration(options, options.context, use_cache=False)).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
tokens = torch.randint(options.vocab, (options.batch, options.context))
forward = torch.compile(model) if options.compile else model


def step():
    forward(input_ids=tokens, labels=tokens).loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


# torch.compile compiles in the first call; the second and third settle.
seconds = median_seconds(step, options, warm_up=3 if options.compile else 1)
report(tokens.numel() / seconds)
