#!/usr/bin/env python3
"""Tiny random models in Hugging Face's form, and what `transformers` computes with them.

Writes Tests/InterchangeTests/Goldens/NAME/ for every model below: config.json, safetensors, tokenizer.json,
and expected.json:

    versions     of torch, transformers, tokenizers
    tolerance    losses: |ours - theirs| / theirs
    logits_tolerance   logits and score: |ours - theirs| / max|theirs|; missing in the models up to llama-reward, which
                 are older: there, tolerance is for both
    sequences    token ids
    logits       base64 of float32, rows of all sequences one after another, [rows, vocabulary]
    score        of reward models in their place: the logit at the last token of each sequence
    training     options of AdamW (weight decay on what has more than one dimension), and the mean loss
                 over all sequences before each of 20 steps

Also Goldens/ropes/FAMILY/: a model, and in variants.json ways to state its rope in config.json ("set", "remove") with the
log-probability of a sequence that `transformers` computes for each, or null where it refuses; and
Goldens/llama-reward/padding.json: scores of sequences that end with the padding token.

A model with `stored` has a config.json as older versions wrote it, with keys of folders on the Hub; all others have
what the installed version writes. check_families.py computes the logits of the models from mistral on a second time.

    make_interchange.py            everything
    make_interchange.py variants   what the paragraph about ropes says, alone
    make_interchange.py NAME …     these models alone

The reference computes in float64 where `transformers` lets it (its norms, its rotary tables and the softmax of its
attention are float32), from the weights as they are stored. Its last bits depend on the number of threads: the models from
mistral on were made with OMP_NUM_THREADS=1.
"""
import base64
import json
import pathlib
import shutil
import sys
import tempfile

import numpy
import safetensors.torch
import tokenizers
import torch
import transformers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2] / "Tests/InterchangeTests/Goldens"
TOLERANCE = 1e-4
LOGITS_TOLERANCE = 1e-5
OPTIONS = {"learning_rate": 3e-3, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "steps": 20}
TEXT = ["the cat sat on the mat and the dog sat on the cat. 1234 they're here, don't go!\n\n", "ein Mädchen, 你好 the"]
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")


# What a model with `stored` leaves out of its config.json: older keys or defaults say it.
LEFT_OUT = ("rope_parameters", "layer_types", "no_rope_layers", "dtype", "_sliding_window_pattern")
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 16}


def shape(width, layers, heads, groups, inner, context=48, **fields):
    return {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": groups, "intermediate_size": inner, "max_position_embeddings": context, **fields}


def rope(base, **fields):
    return {"rope_type": "default", "rope_theta": base, **fields}


# name: seed, kind of tokenizer, configuration class, its fields, what is special
MODELS = {
    "gpt2": (1, "gpt2", "GPT2", {"n_positions": 40, "n_embd": 36, "n_layer": 2, "n_head": 3, "n_inner": 50}, {}),
    "gpt2-bare": (2, "gpt2", "GPT2", {"n_positions": 32, "n_embd": 20, "n_layer": 2, "n_head": 2,
                                      "activation_function": "gelu"}, {"bare": True}),
    "neox-parallel": (3, "neox", "GPTNeoX", {
        "hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 5, "intermediate_size": 56,
        "rotary_pct": 0.25, "max_position_embeddings": 48}, {}),
    "neox-sequential": (4, "neox", "GPTNeoX", {
        "hidden_size": 30, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 44,
        "rotary_pct": 0.6, "rotary_emb_base": 5000, "max_position_embeddings": 48, "use_parallel_residual": False,
        "hidden_act": "gelu_new"}, {}),
    "llama-rope": (5, "llama3", "Llama", shape(
        36, 2, 6, 2, 50, 64, rope_theta=500.0, rms_norm_eps=1e-5, rope_scaling={**LLAMA3}), {}),
    "llama-tied": (6, "llama3", "Llama", shape(
        36, 2, 3, 1, 37, attention_bias=True, mlp_bias=True, tie_word_embeddings=True), {"dtype": torch.bfloat16}),
    "qwen2": (7, "qwen2", "Qwen2", shape(40, 2, 4, 2, 52, vocab_size=320), {"dtype": torch.float16, "shards": "20KB"}),
    "qwen3": (8, "qwen2", "Qwen3", shape(36, 2, 4, 2, 45, head_dim=14, tie_word_embeddings=True), {}),
    "llama-reward": (9, "llama3", "Llama", shape(24, 2, 2, 2, 40, num_labels=1), {"reward": True}),
    "mistral": (21, "llama3", "Mistral", shape(
        22, 2, 4, 2, 37, head_dim=6, sliding_window=5, rope_parameters=rope(1000.0)), {}),
    "mistral-stored": (22, "llama3", "Mistral", shape(
        24, 2, 3, 1, 43, head_dim=10, sliding_window=None, tie_word_embeddings=True, rope_parameters=rope(700.0)),
        {"stored": {"rope_theta": 700.0, "sliding_window": None, "torch_dtype": "bfloat16"}, "dtype": torch.bfloat16}),
    "gemma3": (23, "llama3", "Gemma3Text", shape(
        21, 4, 3, 1, 29, head_dim=10, query_pre_attn_scalar=13, sliding_window=5,
        layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={"sliding_attention": rope(100.0), "full_attention": rope(5000.0)}), {}),
    "gemma3-stored": (24, "llama3", "Gemma3Text", shape(
        20, 4, 2, 2, 29, head_dim=12, query_pre_attn_scalar=12, sliding_window=6, sliding_window_pattern=3,
        tie_word_embeddings=False, final_logit_softcapping=4.0,
        rope_parameters={"sliding_attention": rope(10_000.0), "full_attention": rope(1_000_000.0)}),
        {"stored": {"sliding_window_pattern": 3, "rope_theta": 1_000_000, "rope_local_base_freq": 10_000,
                    "rope_scaling": None, "cache_implementation": "hybrid", "torch_dtype": "bfloat16"},
         "dtype": torch.bfloat16}),
    "smollm3": (25, "llama3", "SmolLM3", shape(
        20, 3, 4, 2, 29, head_dim=8, no_rope_layers=[1, 0, 1], use_sliding_window=True, sliding_window=5,
        attention_bias=True, mlp_bias=True, tie_word_embeddings=False, rope_parameters=rope(1000.0)), {}),
    "smollm3-stored": (26, "llama3", "SmolLM3", shape(
        24, 4, 4, 1, 41, rope_parameters=rope(5_000_000.0)),
        {"stored": {"rope_theta": 5_000_000.0, "rope_scaling": None, "no_rope_layer_interval": 4,
                    "max_window_layers": 28, "pretraining_tp": 2, "torch_dtype": "bfloat16"}, "dtype": torch.bfloat16}),
    "gemma2": (27, "llama3", "Gemma2", shape(
        20, 3, 2, 1, 37, head_dim=12, query_pre_attn_scalar=7, sliding_window=5, attn_logit_softcapping=2.0,
        final_logit_softcapping=4.0, attention_bias=True, rope_parameters=rope(1000.0)), {}),
    "gemma2-reward": (28, "llama3", "Gemma2", shape(
        24, 2, 3, 1, 29, head_dim=10, query_pre_attn_scalar=11, sliding_window=4, attn_logit_softcapping=3.0,
        final_logit_softcapping=1.0, num_labels=1, rope_parameters=rope(10_000.0)),
        {"stored": {"rope_theta": 10_000.0, "cache_implementation": "hybrid", "hidden_act": "gelu_pytorch_tanh",
                    "torch_dtype": "bfloat16"}, "dtype": torch.bfloat16, "reward": True}),
    "olmo2": (29, "llama3", "Olmo2", shape(
        22, 2, 4, 2, 37, head_dim=8, attention_bias=True, rope_parameters=rope(1000.0)), {}),
    "olmo2-stored": (30, "llama3", "Olmo2", shape(
        24, 2, 3, 3, 43, tie_word_embeddings=True, rms_norm_eps=1e-6, rope_parameters=rope(500_000.0)),
        {"stored": {"rope_theta": 500_000, "rope_scaling": None, "torch_dtype": "float32"}}),
    "phi3": (31, "llama3", "Phi3", shape(
        20, 2, 4, 2, 37, head_dim=8, sliding_window=5, rope_parameters=rope(1000.0, partial_rotary_factor=0.75)), {}),
    "phi3-stored": (32, "llama3", "Phi3", shape(
        24, 2, 3, 1, 29, tie_word_embeddings=True, sliding_window=None, rope_parameters=rope(10_000.0)),
        {"stored": {"rope_theta": 10_000.0, "rope_scaling": None, "original_max_position_embeddings": 48,
                    "attention_bias": False, "torch_dtype": "bfloat16"}, "dtype": torch.bfloat16}),
    "granite": (33, "llama3", "Granite", shape(
        22, 2, 4, 2, 37, head_dim=6, attention_bias=True, mlp_bias=True, embedding_multiplier=3.5, logits_scaling=1.7,
        residual_multiplier=0.6, attention_multiplier=0.3, rope_parameters=rope(1000.0)), {}),
    "granite-stored": (34, "llama3", "Granite", shape(
        24, 2, 3, 1, 29, tie_word_embeddings=True, embedding_multiplier=12.0, logits_scaling=2,
        residual_multiplier=0.22, attention_multiplier=0.0625, rope_parameters=rope(10_000.0)),
        {"stored": {"rope_theta": 10_000.0, "rope_scaling": None, "torch_dtype": "bfloat16"}, "dtype": torch.bfloat16}),
}


def tokenizer(kind, specials):
    """A byte-level BPE of a few merges with the pre-tokenizer of the family."""
    made = tokenizers.Tokenizer(models.BPE())
    if kind in ("qwen2", "neox"):
        made.normalizer = normalizers.NFC()
    if kind in ("gpt2", "neox"):
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        digits = "{1,3}" if kind == "llama3" else ""
        made.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(SPLIT % digits), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + 20, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    made.train_from_iterator(TEXT, trainer)
    made.add_special_tokens(specials)
    return made


def floats(tensor):
    return base64.b64encode(tensor.detach().to(torch.float32).numpy().astype("<f4").tobytes()).decode()


def randomize(model, seed):
    """Large enough that no nonlinearity is close to a line and no distribution is flat. Norms stay around the value
    that changes nothing, which they have in a new model: 1, or 0 where a family stores the difference from 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name or "ln_" in name:
                parameter.copy_(parameter + 0.2 * noise)
            elif "embed" in name or "wte" in name or "wpe" in name or "lm_head" in name:
                parameter.copy_(0.5 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(0.2 * noise)
            else:
                fan_in = parameter.shape[0] if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) \
                    else parameter.shape[1]
                parameter.copy_(1.2 * noise / fan_in ** 0.5)


def sequences(vocabulary, lengths=(19, 1, 30)):
    generator = numpy.random.default_rng(7)
    return [[int(token) for token in generator.integers(0, vocabulary, length)] for length in lengths]


def language_model(folder, batch):
    def fresh():
        return transformers.AutoModelForCausalLM.from_pretrained(
            folder, torch_dtype=torch.float64, attn_implementation="eager").eval()

    model = fresh()
    logits = torch.cat([model(torch.tensor([tokens])).logits[0] for tokens in batch])
    decays = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decays, "weight_decay": OPTIONS["weight_decay"]}, {"params": rest, "weight_decay": 0.0}],
        lr=OPTIONS["learning_rate"], betas=(OPTIONS["beta1"], OPTIONS["beta2"]), eps=OPTIONS["epsilon"])
    count = sum(len(tokens) - 1 for tokens in batch)
    losses = []
    for _ in range(OPTIONS["steps"]):
        optimizer.zero_grad()
        loss = 0
        for tokens in batch:
            if len(tokens) > 1:
                ids = torch.tensor([tokens])
                loss = loss + torch.nn.functional.cross_entropy(
                    model(ids).logits[0, :-1], ids[0, 1:], reduction="sum") / count
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"logits": floats(logits), "training": {**OPTIONS, "losses": losses}}


def reward_model(folder, batch):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, torch_dtype=torch.float64, attn_implementation="eager").eval()
    return {"score": floats(torch.stack([model(torch.tensor([tokens])).logits[0, 0] for tokens in batch]))}


def make(name):
    seed, kind, family, fields, options = MODELS[name]
    reward, stored = options.get("reward", False), options.get("stored")
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    specials = {
        "gpt2": ["<|endoftext|>"], "neox": ["<|endoftext|>", "<|padding|>"],
        "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"],
        "qwen2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]}[kind]
    made = tokenizer(kind, specials)
    config = getattr(transformers, family + "Config")(**{
        "vocab_size": made.get_vocab_size(), "bos_token_id": made.token_to_id(specials[0]),
        "eos_token_id": made.token_to_id(specials[-1]), "pad_token_id": None, **fields})
    auto = transformers.AutoModelForSequenceClassification if reward else transformers.AutoModelForCausalLM
    model = auto.from_config(config, torch_dtype=torch.float32)
    randomize(model, seed)
    if config.tie_word_embeddings:
        model.tie_weights()
    shards = {"max_shard_size": options["shards"]} if "shards" in options else {}
    model.to(options.get("dtype", torch.float32)).save_pretrained(folder, **shards)
    if stored:
        path = folder / "config.json"
        written = json.load(open(path))
        json.dump({key: value for key, value in written.items() if key not in LEFT_OUT} | stored,
                  open(path, "w"), indent=2)
    if options.get("bare"):
        # As the original gpt2 repository: no prefix, and the causal masks among the weights.
        path = folder / "model.safetensors"
        tensors = {key.removeprefix("transformer."): value.contiguous()
                   for key, value in safetensors.torch.load_file(path).items()}
        ones = torch.tril(torch.ones(config.n_positions, config.n_positions)).view(
            1, 1, config.n_positions, config.n_positions)
        for layer in range(config.n_layer):
            tensors[f"h.{layer}.attn.bias"] = ones.clone()
        safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    made.save(str(folder / "tokenizer.json"))
    json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": specials[0], "eos_token": specials[-1]},
              open(folder / "tokenizer_config.json", "w"), indent=2)
    batch = sequences(min(config.vocab_size, made.get_vocab_size()))
    expected = reward_model(folder, batch) if reward else language_model(folder, batch)
    json.dump({
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__,
                     "tokenizers": tokenizers.__version__},
        "tolerance": TOLERANCE, "logits_tolerance": LOGITS_TOLERANCE, "sequences": batch, **expected},
        open(folder / "expected.json", "w"))
    for path in folder.iterdir():
        path.chmod(0o644)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name}: {size} bytes", expected.get("training", {}).get("losses", [None])[::19])
    assert size < 300_000, size


def logprob(folder, tokens):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0].log_softmax(-1)
    return float(sum(logits[i, token] for i, token in enumerate(tokens[1:])))


def rope_variants(name, seed, config, variants):
    """The variants begin from a configuration that says nothing of the rope."""
    folder = ROOT / "ropes" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = transformers.AutoModelForCausalLM.from_config(config)
    randomize(model, seed)
    model.tie_weights()
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    fields = {key: value for key, value in json.load(open(folder / "config.json")).items()
              if not key.startswith("rope") and not key.startswith("rotary") and key != "partial_rotary_factor"}
    tokens = [int(t) for t in numpy.random.default_rng(3).integers(0, config.vocab_size, 40)]
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copy(folder / "model.safetensors", temporary)
        for variant in variants:
            json.dump(fields | variant, open(pathlib.Path(temporary) / "config.json", "w"))
            try:
                value = logprob(temporary, tokens)
            except Exception as error:
                print(name, variant, "is refused:", error)
                value = None
            results.append({"set": variant, "logprob": value})
    json.dump(fields, open(folder / "config.json", "w"), indent=2)
    json.dump({"versions": {"torch": torch.__version__, "transformers": transformers.__version__},
               "tokens": tokens, "variants": results}, open(folder / "variants.json", "w"), indent=1)
    for path in folder.iterdir():
        path.chmod(0o644)
    print(name, sum(path.stat().st_size for path in folder.iterdir()), "bytes",
          len({round(r["logprob"], 6) for r in results if r["logprob"] is not None}), "values")


def padding():
    """Where a classifier's score is read: its own goldens' weights, another padding token."""
    source = ROOT / "llama-reward"
    fields = json.load(open(source / "config.json"))
    cases = []
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copy(source / "model.safetensors", temporary)
        for pad, batch in [(7, [[1, 2, 3, 7], [7, 1, 2, 7, 7], [1, 7, 2], [7, 7], [7]]), (None, [[1, 2, 3, 7]])]:
            json.dump(fields | {"pad_token_id": pad}, open(pathlib.Path(temporary) / "config.json", "w"))
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                temporary, dtype=torch.float64, attn_implementation="eager").eval()
            with torch.no_grad():
                cases += [{"pad": pad, "tokens": tokens, "score": float(model(torch.tensor([tokens])).logits[0, 0])}
                          for tokens in batch]
    json.dump({"versions": {"torch": torch.__version__, "transformers": transformers.__version__}, "cases": cases},
              open(source / "padding.json", "w"), indent=1)


def variants():
    t = transformers
    base = {"rope_type": "default", "rope_theta": 500.0}
    whole = LLAMA3 | {"rope_theta": 500.0}
    without = {key: value for key, value in whole.items() if key != "original_max_position_embeddings"}
    rope_variants("llama", 11, t.LlamaConfig(
        vocab_size=64, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, tie_word_embeddings=True), [
        {}, {"rope_theta": 500.0}, {"rope_parameters": base}, {"rope_scaling": base},
        {"rope_theta": 700.0, "rope_parameters": base}, {"rope_theta": 700.0, "rope_scaling": base},
        {"rope_scaling": {"rope_type": "default"}, "rope_theta": 500.0},
        {"rope_scaling": base, "rope_parameters": base}, {"rope_scaling": {}, "rope_parameters": base},
        {"rope_scaling": None, "rope_parameters": base},
        {"rope_scaling": whole}, {"rope_parameters": whole}, {"rope_scaling": LLAMA3, "rope_theta": 500.0},
        {"rope_scaling": LLAMA3}, {"rope_parameters": without},
        {"rope_scaling": {("type" if key == "rope_type" else key): value for key, value in whole.items()}},
        {"rope_scaling": whole, "rope_parameters": base}, {"rope_scaling": base | {"factor": 4.0}},
        {"rope_scaling": {"type": "linear", "factor": 2.0}}, {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}},
        {"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, {"rope_scaling": {"type": "mrope", "mrope_section": [1, 2]}},
        {"partial_rotary_factor": 0.5}, {"rotary_emb_base": 500.0}, {"original_max_position_embeddings": 16, "rope_scaling": without},
    ])
    rope_variants("neox", 12, t.GPTNeoXConfig(
        vocab_size=64, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, tie_word_embeddings=True), [
        {"rotary_pct": 0.5}, {"rotary_pct": 0.5, "rotary_emb_base": 500}, {"rotary_pct": 1.0},
        {"rope_parameters": base | {"partial_rotary_factor": 0.5}}, {"rope_scaling": base, "rotary_pct": 0.5},
        {"rope_scaling": base, "rotary_pct": 0.5, "rotary_emb_base": 700},
        {"rotary_pct": 0.5, "rotary_emb_base": 500, "rope_theta": 500, "partial_rotary_factor": 0.5},
        {"rotary_pct": 0.5, "rope_theta": 500}, {"rotary_emb_base": 500, "partial_rotary_factor": 0.5},
        {"rotary_pct": 0.5, "rope_scaling": {"type": "linear", "factor": 2.0}},
    ])
    padding()


def main():
    torch.manual_seed(0)
    if sys.argv[1:] == ["variants"]:
        return variants()
    for name in sys.argv[1:] or MODELS:
        make(name)
    if not sys.argv[1:]:
        variants()


if __name__ == "__main__":
    main()
