"""Tokens a second of transformers' `generate`: sampling at temperature 1, prompts included in the time."""

import torch
from transformers import GPT2LMHeadModel

from common import arguments, configuration, median_seconds, report

options = arguments(batch=64, prompt=32, new=48)
model = GPT2LMHeadModel(configuration(options, options.prompt + options.new)).eval()
prompts = torch.randint(options.vocab, (options.batch, options.prompt))
mask = torch.ones_like(prompts)


@torch.inference_mode()
def generate():
    tokens = model.generate(
        prompts, attention_mask=mask, do_sample=True, top_k=0, min_new_tokens=options.new,
        max_new_tokens=options.new)
    assert tokens.shape[1] == options.prompt + options.new


report(options.batch * options.new / median_seconds(generate, options))
