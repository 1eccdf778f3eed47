#!/usr/bin/env python3
"""Computes the logits of the families mistral, gemma3_text, smollm3, gemma2, olmo2, phi3 and granite a second time.

Reads config.json and model.safetensors of a golden model without `transformers`, computes in float64 throughout, and
compares with the logits (or scores) in expected.json.

    check_families.py           the golden models of these families
    check_families.py NAME …    these models alone
"""
import base64
import json
import pathlib
import sys

import numpy
import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests/InterchangeTests/Goldens"
BASES = {"smollm3": 2_000_000.0, "gemma3_text": 1_000_000.0}
EPSILONS = {"olmo2": 1e-5, "phi3": 1e-5}
FAMILIES = ("mistral", "gemma3_text", "smollm3", "gemma2", "olmo2", "phi3", "granite")


class Model:
    def __init__(self, folder):
        self.config = json.load(open(folder / "config.json"))
        self.family = self.config["model_type"]
        self.tensors = {name: value.double()
                        for name, value in safetensors.torch.load_file(folder / "model.safetensors").items()}
        self.width, self.heads = self.config["hidden_size"], self.config["num_attention_heads"]
        self.groups = self.config.get("num_key_value_heads") or self.heads
        self.head = self.config.get("head_dim") or self.width // self.heads
        self.epsilon = self.config.get("rms_norm_eps", EPSILONS.get(self.family, 1e-6))
        self.offset = 1 if self.family in ("gemma2", "gemma3_text") else 0

    def linear(self, name, x):
        y = x @ self.tensors[f"{name}.weight"].T
        return y + self.tensors[f"{name}.bias"] if f"{name}.bias" in self.tensors else y

    def norm(self, name, x):
        scaled = x / (x.square().mean(-1, keepdim=True) + self.epsilon).sqrt()
        return scaled * (self.offset + self.tensors[f"{name}.weight"])

    def slides(self, layer):
        """Whether the layer sees a window alone."""
        config = self.config
        if self.family in ("mistral", "phi3"):
            return config.get("sliding_window") is not None
        if config.get("layer_types"):
            return config["layer_types"][layer] == "sliding_attention"
        if self.family == "smollm3":
            return bool(config["use_sliding_window"] and config["sliding_window"]) and not self.base(layer)
        period = {"gemma2": 2, "gemma3_text": config.get("sliding_window_pattern", 6)}.get(self.family, 1)
        return (layer + 1) % period != 0

    def base(self, layer):
        """The base of the rope, None for a layer without positions."""
        config = self.config
        if self.family == "smollm3":
            interval = config.get("no_rope_layer_interval", 4)
            turns = config.get("no_rope_layers") or [(i + 1) % interval for i in range(layer + 1)]
            if not turns[layer]:
                return None
        stated = config.get("rope_parameters") or {}
        if self.family == "gemma3_text" and self.slides(layer):
            return stated.get("sliding_attention", {}).get("rope_theta", config.get("rope_local_base_freq", 10_000.0))
        stated = stated.get("full_attention", stated)
        return stated.get("rope_theta", config.get("rope_theta", BASES.get(self.family, 10_000.0)))

    def turn(self, x, base):
        """The first dimensions of every head, the first half of them paired with the second. x: [heads, rows, head]"""
        stated = self.config.get("rope_parameters") or {}
        share = stated.get("partial_rotary_factor", self.config.get("partial_rotary_factor", 1.0))
        turned = int(self.head * share)
        frequencies = base ** (-torch.arange(0, turned, 2, dtype=torch.float64) / turned)
        angles = torch.arange(x.shape[1], dtype=torch.float64)[:, None] * frequencies
        a, b, rest = x.split([turned // 2, turned // 2, self.head - turned], -1)
        return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin(), rest], -1)

    def scale(self):
        if self.family == "granite":
            return self.config["attention_multiplier"]
        return self.config.get("query_pre_attn_scalar", self.head) ** -0.5

    def attention(self, layer, x):
        name, rows = f"model.layers.{layer}.self_attn", x.shape[0]
        if self.family == "phi3":
            widths = [self.heads * self.head, self.groups * self.head, self.groups * self.head]
            q, k, v = self.linear(f"{name}.qkv_proj", x).split(widths, -1)
        else:
            q, k, v = (self.linear(f"{name}.{part}_proj", x) for part in "qkv")
        if self.family == "olmo2":
            q, k = self.norm(f"{name}.q_norm", q), self.norm(f"{name}.k_norm", k)
        q, k, v = (part.view(rows, -1, self.head).transpose(0, 1) for part in (q, k, v))
        if self.family == "gemma3_text":
            q, k = self.norm(f"{name}.q_norm", q), self.norm(f"{name}.k_norm", k)
        if (base := self.base(layer)) is not None:
            q, k = self.turn(q, base), self.turn(k, base)
        k, v = (part.repeat_interleave(self.heads // self.groups, 0) for part in (k, v))
        scores = q @ k.transpose(1, 2) * self.scale()
        if self.family == "gemma2" and (cap := self.config["attn_logit_softcapping"]):
            scores = cap * (scores / cap).tanh()
        distance = torch.arange(rows)[:, None] - torch.arange(rows)
        seen = distance >= 0
        if self.slides(layer):
            seen &= distance < self.config["sliding_window"]
        weights = scores.masked_fill(~seen, -torch.inf).softmax(-1)
        return self.linear(f"{name}.o_proj", (weights @ v).transpose(0, 1).reshape(rows, -1))

    def mlp(self, layer, x):
        name = f"model.layers.{layer}.mlp"
        if self.family == "phi3":
            gate, up = self.linear(f"{name}.gate_up_proj", x).chunk(2, -1)
        else:
            gate, up = self.linear(f"{name}.gate_proj", x), self.linear(f"{name}.up_proj", x)
        silu = torch.nn.functional.silu
        act = (lambda z: torch.nn.functional.gelu(z, approximate="tanh")) if self.offset else silu
        return self.linear(f"{name}.down_proj", act(gate) * up)

    def layer(self, layer, x):
        """Norms before, after, or on both sides of the attention and the MLP."""
        name = f"model.layers.{layer}"
        before, after = {
            "olmo2": ((None, None), ("post_attention_layernorm", "post_feedforward_layernorm")),
            "gemma": (("input_layernorm", "pre_feedforward_layernorm"),
                      ("post_attention_layernorm", "post_feedforward_layernorm")),
        }.get("gemma" if self.offset else self.family,
              (("input_layernorm", "post_attention_layernorm"), (None, None)))
        for part, first, last in zip((self.attention, self.mlp), before, after):
            y = part(layer, self.norm(f"{name}.{first}", x) if first else x)
            x = x + self.config.get("residual_multiplier", 1.0) * (self.norm(f"{name}.{last}", y) if last else y)
        return x

    def outputs(self, tokens):
        """[rows, vocabulary], or [1] of a classifier"""
        x = self.tensors["model.embed_tokens.weight"][tokens] * self.config.get("embedding_multiplier", 1.0)
        if self.offset:
            x = x * self.width ** 0.5
        for layer in range(self.config["num_hidden_layers"]):
            x = self.layer(layer, x)
        x = self.norm("model.norm", x)
        if "score.weight" in self.tensors:
            return self.linear("score", x)[-1]
        logits = x @ self.tensors.get("lm_head.weight", self.tensors["model.embed_tokens.weight"]).T
        logits = logits / self.config.get("logits_scaling", 1.0)
        cap = self.config.get("final_logit_softcapping", 30.0 if self.family == "gemma2" else None)
        return cap * (logits / cap).tanh() if cap else logits


def error(name):
    """|ours - theirs| / max|theirs|"""
    expected = json.load(open(ROOT / name / "expected.json"))
    model = Model(ROOT / name)
    ours = torch.cat([model.outputs(tokens).reshape(-1) for tokens in expected["sequences"]]).numpy()
    theirs = numpy.frombuffer(base64.b64decode(expected.get("logits") or expected["score"]), "<f4")
    return numpy.abs(ours - theirs).max() / numpy.abs(theirs).max()


def main():
    names = sys.argv[1:] or sorted(
        path.parent.name for path in ROOT.glob("*/config.json")
        if json.load(open(path))["model_type"] in FAMILIES)
    for name in names:
        print(f"{name}: off by {error(name):.1e}")
        assert error(name) < 1e-6, name


if __name__ == "__main__":
    main()
