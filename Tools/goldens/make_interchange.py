#!/usr/bin/env python3
"""Tiny random models in Hugging Face's form, and what `transformers` computes with them.

Writes Tests/InterchangeTests/Goldens/NAME/ for every model below: config.json, safetensors, tokenizer.json,
and expected.json:

    versions     of torch, transformers, tokenizers
    tolerance    logits: |ours - theirs| / max|theirs|; losses: |ours - theirs| / theirs
    sequences    token ids
    logits       base64 of float32, rows of all sequences one after another, [rows, vocabulary]
    score        of reward models in their place: the logit at the last token of each sequence
    training     options of AdamW (weight decay on what has more than one dimension), and the mean loss
                 over all sequences before each of 20 steps

Also Goldens/ropes/FAMILY/: a model, and in variants.json ways to state its rope in config.json ("set", "remove") with the
log-probability of a sequence that `transformers` computes for each, or null where it refuses; and
Goldens/llama-reward/padding.json: scores of sequences that end with the padding token.

    make_interchange.py            everything
    make_interchange.py variants   what the last paragraph says, alone

The reference computes in float64 where `transformers` lets it (its norms and rotary tables are float32), from
the weights as they are stored.
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
OPTIONS = {"learning_rate": 3e-3, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "steps": 20}
TEXT = ["the cat sat on the mat and the dog sat on the cat. 1234 they're here, don't go!\n\n", "ein Mädchen, 你好 the"]
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")


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
    """Large enough that no nonlinearity is close to a line and no distribution is flat."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name or "ln_" in name:
                parameter.copy_((1.0 if name.endswith("weight") else 0.0) + 0.2 * noise)
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


def make(name, seed, config, kind, reward=False, dtype=torch.float32, shards=None, bare=False):
    folder = ROOT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    specials = {
        "gpt2": ["<|endoftext|>"], "neox": ["<|endoftext|>", "<|padding|>"],
        "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"],
        "qwen2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]}[kind]
    made = tokenizer(kind, specials)
    first = made.token_to_id(specials[0])
    config.bos_token_id, config.eos_token_id = first, made.token_to_id(specials[-1])
    if config.vocab_size is None:
        config.vocab_size = made.get_vocab_size()
    auto = transformers.AutoModelForSequenceClassification if reward else transformers.AutoModelForCausalLM
    model = auto.from_config(config, torch_dtype=torch.float32)
    randomize(model, seed)
    if config.tie_word_embeddings:
        model.tie_weights()
    model.to(dtype).save_pretrained(folder, **({"max_shard_size": shards} if shards else {}))
    if bare:
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
        "tolerance": TOLERANCE, "sequences": batch, **expected}, open(folder / "expected.json", "w"))
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
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 16}
    whole = llama3 | {"rope_theta": 500.0}
    without = {key: value for key, value in whole.items() if key != "original_max_position_embeddings"}
    rope_variants("llama", 11, t.LlamaConfig(
        vocab_size=64, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, tie_word_embeddings=True), [
        {}, {"rope_theta": 500.0}, {"rope_parameters": base}, {"rope_scaling": base},
        {"rope_theta": 700.0, "rope_parameters": base}, {"rope_theta": 700.0, "rope_scaling": base},
        {"rope_scaling": {"rope_type": "default"}, "rope_theta": 500.0},
        {"rope_scaling": base, "rope_parameters": base}, {"rope_scaling": {}, "rope_parameters": base},
        {"rope_scaling": None, "rope_parameters": base},
        {"rope_scaling": whole}, {"rope_parameters": whole}, {"rope_scaling": llama3, "rope_theta": 500.0},
        {"rope_scaling": llama3}, {"rope_parameters": without},
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
    t = transformers
    make("gpt2", 1, t.GPT2Config(
        vocab_size=None, n_positions=40, n_embd=36, n_layer=2, n_head=3, n_inner=50), "gpt2")
    make("gpt2-bare", 2, t.GPT2Config(
        vocab_size=None, n_positions=32, n_embd=20, n_layer=2, n_head=2, activation_function="gelu"), "gpt2",
         bare=True)
    make("neox-parallel", 3, t.GPTNeoXConfig(
        vocab_size=None, hidden_size=40, num_hidden_layers=2, num_attention_heads=5, intermediate_size=56,
        rotary_pct=0.25, max_position_embeddings=48), "neox")
    make("neox-sequential", 4, t.GPTNeoXConfig(
        vocab_size=None, hidden_size=30, num_hidden_layers=2, num_attention_heads=3, intermediate_size=44,
        rotary_pct=0.6, rotary_emb_base=5000, max_position_embeddings=48, use_parallel_residual=False,
        hidden_act="gelu_new"), "neox")
    make("llama-rope", 5, t.LlamaConfig(
        vocab_size=None, hidden_size=36, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
        intermediate_size=50, max_position_embeddings=64, rope_theta=500.0, rms_norm_eps=1e-5,
        rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                      "original_max_position_embeddings": 16}), "llama3")
    make("llama-tied", 6, t.LlamaConfig(
        vocab_size=None, hidden_size=36, num_hidden_layers=2, num_attention_heads=3, num_key_value_heads=1,
        intermediate_size=37, max_position_embeddings=48, attention_bias=True, mlp_bias=True,
        tie_word_embeddings=True), "llama3", dtype=torch.bfloat16)
    make("qwen2", 7, t.Qwen2Config(
        vocab_size=320, hidden_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=52, max_position_embeddings=48), "qwen2", dtype=torch.float16, shards="20KB")
    make("qwen3", 8, t.Qwen3Config(
        vocab_size=None, hidden_size=36, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=14, intermediate_size=45, max_position_embeddings=48, tie_word_embeddings=True), "qwen2")
    make("llama-reward", 9, t.LlamaConfig(
        vocab_size=None, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
        max_position_embeddings=48, num_labels=1), "llama3", reward=True)
    variants()


main()
