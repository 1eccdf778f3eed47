"""Writes Tests/TrainingTests/Goldens/trl.json: one iteration of TRL's own PPOTrainer on fixed rollouts.

TRL's trainer runs as it is; only its sampling is replaced, by fixed answers of different lengths to prompts of
different lengths, and what it computes is read from its own variables at the first optimizer step. Policy,
reference, reward and value model are four tiny Llama-style models. float32, as TRL computes.

Schema (floats: base64 of little-endian float32, row-major, unless a plain JSON number or list):
  made_with     {"trl", "transformers", "torch", "python", "seed"}
  tolerance     |ours - golden| <= tolerance * max(1, max|golden|), of any one tensor or list
  options       PPOConfig's, by its names
  architecture  {"vocabulary", "context", "width", "layers", "heads", "kv_heads", "head_dim", "feed_forward",
                 "norm_epsilon", "rotary_theta"}: RMSNorm, rotary positions, SwiGLU, no biases, not tied
  models        {"policy", "reference", "reward", "value"}: [{"name", "shape", "data"}], our names
  prompts, responses   token ids; a response that ended has its end token
  end_token
  -- what TRL computed; a list over an answer's tokens, answers laid end to end --
  logprobs, reference, scores (penalty included)
  value_lengths        TRL's score stands one past the end token, unless the answer has all the tokens allowed:
                       such an answer has one value (reward, advantage, return) more than tokens
  values, rewards, advantages_raw, returns    [sum of value_lengths]
  advantages           whitened, [sum of lengths]
  new_logprobs, new_values    of the update
  losses        {"policy", "value"}
  metrics       as TRL logs them, but for val/ratio_var, which one update does not have; it averages ratio, approxkl and entropy over padding as well, so that
                "masked" has them over the tokens alone
  gradients     {"policy", "value"}: [{"name", "data"}] of policy loss + vf_coef * value loss
"""

import base64
import json
import pathlib
import platform
import sys
import tempfile

import numpy as np
import tokenizers
import torch
import transformers
import trl
from datasets import Dataset
from transformers import (LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification,
                          PreTrainedTokenizerFast)
from trl import PPOConfig, PPOTrainer
from trl.trainer import ppo_trainer

SEED = 20220304
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/TrainingTests/Goldens"
VOCABULARY, END, PAD = 26, 24, 25  # the padding token stands in no text
RESPONSE = 12
SHAPE = dict(
    vocabulary=VOCABULARY, context=32, width=16, layers=2, heads=4, kv_heads=2, head_dim=4,
    feed_forward=24, norm_epsilon=1e-5, rotary_theta=10000.0)
NAMES = {
    "model.embed_tokens.weight": "token_embedding.weight", "model.norm.weight": "final_norm.weight",
    "lm_head.weight": "unembedding.weight", "score.weight": "head.weight"}
LAYER = {
    "input_layernorm": "norm1", "self_attn.o_proj": "attention.output",
    "post_attention_layernorm": "norm2", "mlp.down_proj": "mlp.down"}


def model(kind, seed, start=None):
    torch.manual_seed(seed)
    s = SHAPE
    made = kind(LlamaConfig(
        vocab_size=s["vocabulary"], hidden_size=s["width"], intermediate_size=s["feed_forward"],
        num_hidden_layers=s["layers"], num_attention_heads=s["heads"],
        num_key_value_heads=s["kv_heads"], head_dim=s["head_dim"],
        max_position_embeddings=s["context"], rms_norm_eps=s["norm_epsilon"],
        rope_theta=s["rotary_theta"], tie_word_embeddings=False, pad_token_id=PAD,
        eos_token_id=END, bos_token_id=None, num_labels=1, attn_implementation="eager"))
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.5 if parameter.shape[0] == VOCABULARY else parameter.shape[1] ** -0.5)
            else:
                parameter.add_(0.2 * torch.randn_like(parameter))
        if start is not None:  # near another model, as a policy is near its reference
            for own, other in zip(made.parameters(), start.parameters()):
                own.copy_(other + 0.03 * torch.randn_like(other))
    return made.eval()


def ours(tensors):
    """Hugging Face's tensors of a model, or their gradients, under our names."""
    named = {}
    for name, value in tensors.items():
        if name in NAMES:
            named[NAMES[name]] = value
    for n in range(SHAPE["layers"]):
        theirs, own = f"model.layers.{n}.", f"layers.{n}."
        get = lambda part: tensors[theirs + part + ".weight"]
        named[own + "attention.qkv.weight"] = torch.cat(
            [get(f"self_attn.{p}_proj") for p in "qkv"])
        named[own + "mlp.gate_up.weight"] = torch.cat([get("mlp.gate_proj"), get("mlp.up_proj")])
        for part, name in LAYER.items():
            named[own + name + ".weight"] = get(part)
    if "head.weight" in named:
        named["head.weight"] = named["head.weight"][0]
    return named


def packed(tensor):
    return base64.b64encode(tensor.detach().contiguous().numpy().astype("<f4").tobytes()).decode()


def listed(tensors):
    return [dict(name=n, shape=list(v.shape), data=packed(v)) for n, v in ours(tensors).items()]


def main():
    random = np.random.default_rng(SEED)
    prompts = [random.integers(0, END, n).tolist() for n in [5, 3, 6, 4, 1, 6, 2, 5]]
    lengths = [7, 1, RESPONSE, 3, RESPONSE, 5, 11, 2]
    ended = [n != 2 for n in range(8)]  # the third runs into the limit; the fifth ends at it
    responses = [
        random.integers(0, END, n - e).tolist() + [END] * e for n, e in zip(lengths, ended)]
    models = dict(reference=model(LlamaForCausalLM, SEED))
    models["policy"] = model(LlamaForCausalLM, SEED + 1, models["reference"])
    models["reward"] = model(LlamaForSequenceClassification, SEED + 2)
    models["value"] = model(LlamaForSequenceClassification, SEED + 3, models["reward"])
    before = {n: listed(dict(m.named_parameters())) for n, m in models.items()}

    options = dict(
        kl_coef=0.1, gamma=0.97, lam=0.9, cliprange=0.2, cliprange_value=0.1, vf_coef=0.3,
        missing_eos_penalty=1.5, temperature=0.8, whiten_rewards=True, response_length=RESPONSE,
        num_ppo_epochs=1, num_mini_batches=1, learning_rate=1e-3)
    seen = {}

    # The policy moves a little between the rollout and the update, or every ratio would be 1.
    drift = {}

    def rollout(policy, queries, batch, pad, config):
        order = [prompts.index([t for t in q.tolist() if t != PAD]) for q in queries]
        seen["order"] = order
        answers = torch.tensor([responses[i] + [PAD] * (RESPONSE - lengths[i]) for i in order])
        both = torch.cat([queries, answers], 1)
        logits = ppo_trainer.forward(policy, both, pad).logits[:, queries.shape[1] - 1:-1]
        logits = logits / (options["temperature"] + 1e-7)
        drift["due"] = True
        return both, logits

    original_forward = ppo_trainer.forward

    def forward(model, both, pad):
        if drift.get("due") and isinstance(model, ppo_trainer.PolicyAndValueWrapper):
            drift["due"] = False
            torch.manual_seed(SEED + 9)
            with torch.no_grad():
                for p in model.parameters():
                    p.add_(0.01 * torch.randn_like(p))
            seen["moved"] = {
                n: listed(dict(m.named_parameters()))
                for n, m in (("policy", model.policy), ("value", model.value_model))}
        return original_forward(model, both, pad)

    ppo_trainer.batch_generation, ppo_trainer.forward = rollout, forward
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(
        {f"w{i}": i for i in range(END)} | {"end": END, "pad": PAD}, unk_token="w0"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="pad", eos_token="end", padding_side="left")
    data = Dataset.from_dict({"input_ids": prompts})
    with tempfile.TemporaryDirectory() as folder:
        trainer = PPOTrainer(
            args=PPOConfig(
                output_dir=folder, use_cpu=True, bf16=False, report_to="none", save_strategy="no",
                disable_tqdm=True, num_sample_generations=0, total_episodes=8, stop_token="eos",
                per_device_train_batch_size=8, gradient_accumulation_steps=1, kl_estimator="k1",
                local_rollout_forward_batch_size=8, max_grad_norm=None, seed=SEED, **options),
            processing_class=tokenizer, model=models["policy"], ref_model=models["reference"],
            reward_model=models["reward"], value_model=models["value"], train_dataset=data,
            eval_dataset=data)
        trainer.log = lambda metrics: seen.update(metrics=metrics)
        step = trainer.optimizer.step

        def read(*args, **kwargs):
            frame = sys._getframe(1)
            while "mb_advantage" not in frame.f_locals:
                frame = frame.f_back
            local = frame.f_locals
            seen.update({
                name: local[name].detach().clone() for name in (
                    "logprobs", "ref_logprobs", "scores", "values", "rewards", "advantages",
                    "returns", "padding_mask", "padding_mask_p1", "new_logprobs", "vpred", "pg_loss",
                    "vf_loss", "micro_batch_inds", "logits") if isinstance(local[name], torch.Tensor)})
            seen["inds"] = torch.as_tensor(np.asarray(local["micro_batch_inds"]))
            for name in ("policy", "value_model"):
                part = getattr(trainer.accelerator.unwrap_model(trainer.model), name)
                seen[name] = {n: p.grad.clone() for n, p in part.named_parameters()}
            return step(*args, **kwargs)

        trainer.optimizer.step = read
        trainer.train()

    # TRL shuffles: back to the order of the prompts.
    rows = [seen["order"].index(i) for i in range(8)]
    shuffled = seen["inds"].tolist()
    update_rows = [shuffled.index(r) for r in rows]
    mask, mask_p1 = ~seen["padding_mask"], ~seen["padding_mask_p1"]

    def ragged(name, mask, order):
        return torch.cat([seen[name][r][mask[rows[i]]] for i, r in enumerate(order)])

    diff = ragged("new_logprobs", mask, update_rows) - ragged("logprobs", mask, rows)
    kept = torch.cat([seen["logits"][r][mask[rows[i]]] for i, r in enumerate(update_rows)])
    entropy = torch.distributions.Categorical(logits=kept).entropy()
    raw = seen["returns"] - seen["values"]
    seen["raw"] = raw
    result = dict(
        made_with=dict(
            trl=trl.__version__, transformers=transformers.__version__, torch=torch.__version__,
            python=platform.python_version(), seed=SEED),
        tolerance=2e-5, options=options, architecture=SHAPE,
        models=dict(before, policy=before["policy"], value=before["value"]), moved=seen["moved"],
        prompts=prompts, responses=responses, end_token=END,
        logprobs=ragged("logprobs", mask, rows).tolist(),
        reference=ragged("ref_logprobs", mask, rows).tolist(),
        scores=seen["scores"][rows].tolist(),
        value_lengths=[int(mask_p1[r].sum()) for r in rows],
        values=ragged("values", mask_p1, rows).tolist(),
        rewards=ragged("rewards", mask_p1, rows).tolist(),
        advantages_raw=ragged("raw", mask_p1, rows).tolist(),
        returns=ragged("returns", mask_p1, rows).tolist(),
        advantages=ragged("advantages", mask, rows).tolist(),
        new_logprobs=ragged("new_logprobs", mask, update_rows).tolist(),
        new_values=ragged("vpred", mask_p1, update_rows).tolist(),
        losses=dict(policy=seen["pg_loss"].item(), value=seen["vf_loss"].item()),
        metrics={k: v for k, v in seen["metrics"].items() if k not in ("eps", "lr", "episode", "val/ratio_var")},
        masked={
            "val/ratio": diff.exp().mean().item(),
            "policy/approxkl_avg": (0.5 * diff.square()).mean().item(),
            "policy/entropy_avg": entropy.mean().item()},
        gradients=dict(policy=listed(seen["policy"]), value=listed(seen["value_model"])))
    path = OUT / "trl.json"
    path.write_text(json.dumps(result).replace('}, {"name"', '},\n{"name"') + "\n")
    print(path.name, path.stat().st_size, "bytes;", result["losses"], result["metrics"], result["masked"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
