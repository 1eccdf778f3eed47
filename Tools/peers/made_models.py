"""Tiny random models on which 72 greedy tokens can be compared: the goldens' contexts are shorter, and some of their
families only have features there that llama.cpp does not compute. Tools/peers/interchange.py makes them when it runs.

Each is of a family and has what llama.cpp computes of it: windows that 72 tokens exceed, layers without positions,
caps, factors. The last norm is multiplied, so that the two best logits are seldom close, and by random signs, so that a
tied embedding does not repeat its token. With these seeds, transformers' two best logits stay apart for 72 tokens.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "Tools/goldens"))
from make_interchange import LLAMA3, randomize, rope, shape  # noqa: E402

TOKENIZER = ROOT / "Tests/InterchangeTests/Goldens/llama-tied"
SHARPNESS = 4
LOCAL = {"sliding_attention": rope(100.0), "full_attention": rope(5000.0)}
CAPS = {"attn_logit_softcapping": 20.0, "final_logit_softcapping": 50.0}

# name: seed, configuration class, llama.cpp's architecture, fields of the configuration
MODELS = {
    "mistral-128": (41, "Mistral", "llama", shape(
        28, 3, 4, 2, 37, 128, head_dim=6, sliding_window=None, rope_parameters=rope(1000.0))),
    "mistral-128-window": (42, "Mistral", "llama", shape(
        26, 3, 3, 1, 43, 128, head_dim=10, sliding_window=128, tie_word_embeddings=True,
        rope_parameters=LLAMA3 | {"rope_theta": 500.0})),
    "smollm3-128": (43, "SmolLM3", "smollm3", shape(
        24, 9, 4, 2, 41, 128, tie_word_embeddings=False, rope_parameters=rope(1000.0))),
    "smollm3-128-tied": (44, "SmolLM3", "smollm3", shape(20, 4, 2, 1, 29, 128, head_dim=14, rope_parameters=rope(5e6))),
    "olmo2-128": (45, "Olmo2", "olmo2", shape(24, 3, 4, 2, 37, 128, rope_parameters=rope(1000.0))),
    "olmo2-128-tied": (146, "Olmo2", "olmo2", shape(
        30, 3, 3, 3, 43, 128, tie_word_embeddings=True, rope_parameters=rope(500_000.0))),
    "granite-128": (47, "Granite", "granite", shape(
        22, 3, 4, 2, 37, 128, head_dim=6, embedding_multiplier=3.5, logits_scaling=1.7, residual_multiplier=0.6,
        attention_multiplier=0.3, rope_parameters=rope(1000.0))),
    "granite-128-tied": (48, "Granite", "granite", shape(
        24, 3, 3, 1, 29, 128, tie_word_embeddings=True, embedding_multiplier=1.5, logits_scaling=2,
        residual_multiplier=0.7, attention_multiplier=0.0625, rope_parameters=rope(10_000.0))),
    "gemma2-128": (89, "Gemma2", "gemma2", shape(
        20, 5, 4, 2, 37, 128, head_dim=6, query_pre_attn_scalar=6, sliding_window=9, **CAPS,
        rope_parameters=rope(1000.0))),
    "gemma3-128": (70, "Gemma3Text", "gemma3", shape(
        21, 8, 3, 1, 29, 128, head_dim=10, query_pre_attn_scalar=10, sliding_window=9, rope_parameters=LOCAL)),
    "gemma3-128-cap": (91, "Gemma3Text", "gemma3", shape(
        20, 13, 2, 2, 29, 128, head_dim=12, query_pre_attn_scalar=12, sliding_window=17, tie_word_embeddings=False,
        final_logit_softcapping=50.0, rope_parameters=LOCAL)),
    "gemma3-128-windows": (152, "Gemma3Text", "gemma3", shape(
        24, 3, 2, 1, 29, 128, head_dim=8, query_pre_attn_scalar=8, sliding_window=5, rope_parameters=LOCAL)),
    "phi3-128": (53, "Phi3", "phi3", shape(
        32, 3, 4, 2, 37, 128, sliding_window=None, rope_parameters=rope(1000.0, partial_rotary_factor=0.75))),
    "phi3-128-window": (154, "Phi3", "phi3", shape(
        30, 3, 3, 1, 29, 128, tie_word_embeddings=True, sliding_window=128,
        rope_parameters=rope(10_000.0, partial_rotary_factor=0.4))),
    # Rows that Q8_0's blocks of 32 divide.
    "mistral-64": (201, "Mistral", "llama", shape(
        64, 3, 4, 2, 96, 128, head_dim=16, sliding_window=None, rope_parameters=rope(1000.0))),
    "gemma3-64": (202, "Gemma3Text", "gemma3", shape(
        64, 7, 4, 1, 96, 128, head_dim=32, query_pre_attn_scalar=32, sliding_window=9, rope_parameters=LOCAL)),
}


def make(name, folder):
    """Writes the model in Hugging Face's form."""
    seed, family, _, fields = MODELS[name]
    golden = json.load(open(TOKENIZER / "config.json"))
    tokens = {key: golden[key] for key in ("vocab_size", "bos_token_id", "eos_token_id")}
    config = getattr(transformers, family + "Config")(**tokens, pad_token_id=None, **fields)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomize(model, seed)
    model.tie_weights()
    norm = model.model.norm.weight
    offset = 1 if family.startswith("Gemma") else 0
    signs = torch.randint(2, norm.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    with torch.no_grad():
        norm.copy_(SHARPNESS * signs * (norm + offset) - offset)
    model.save_pretrained(folder)
    for file in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(TOKENIZER / file, folder)
