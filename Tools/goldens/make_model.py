"""Writes Tests/ModelsTests/Goldens/model_{a,b,c,d,e}.json: tiny decoder-only transformers in plain PyTorch.

Parameters are float32 numbers; everything computed from them is computed in float64, so that the
goldens are closer to the truth than any float32 implementation. `float32_deviation` is how far
PyTorch's own float32 pass is from them: the largest |a - b| / max|b| over all tensors.

Schema (floats: base64 of little-endian float32, row-major, unless a plain JSON number):
  made_with       {"torch", "python", "seed"}
  tolerance       what |ours - golden| / max|golden| of any one tensor may be; losses: absolute
  float32_deviation
  architecture    {"vocabulary", "context", "width", "layers", "heads", "kv_heads", "head_dim",
                   "feed_forward", "norm": "layer"|"rms", "norm_epsilon", "positions":
                   "learned"|"rotary", "rotary" (dims rotated in each head, 0 if learned),
                   "rotary_theta", "rope_scaling": null or {"factor", "low_freq_factor",
                   "high_freq_factor", "original_context"} as Llama 3.1 has it,
                   "activation": "gelu" (tanh form)|"gelu_exact"|"swiglu", "biases", "qkv_biases",
                   "parallel": attention and MLP read the same, "head_norms": RMSNorm of each head
                   of queries and keys before they are rotated, "tied"}
  parameters      [{"name", "shape", "data"}]
  sequences       [[token ids]], ragged; R = the sum of their lengths, rows in this order
  targets         [R] ids: the next token; 0 after the last
  weights         floats [R]
  language_model  {"count": R, "loss": sum(weights * -logprob) / count,
                   "logprobs": floats [R], log p(target) at temperature 1,
                   "logprobs_cool": floats [R], at temperature 0.7 (logits / 0.7),
                   "entropy": floats [R], nats, at temperature 1,
                   "hidden_sum", "hidden_abs_sum": over the final norm's output [R, width],
                   "rows": [row numbers], "hidden": floats [rows, width],
                   "logits": floats [rows, vocabulary],
                   "gradients": [{"name", "data"}] of the loss}
  scalar_head     {"scores": floats [sequences], at each sequence's last token,
                   "weights": floats [sequences], "loss": sum(weights * scores),
                   "gradients": [{"name", "data"}] of that loss; unembedding.weight has none}

The scalar head reads the final norm's output: score = head.weight . h + head.bias.
q, k, v rows of qkv.weight in that order, heads ascending; query head h reads kv head
h / (heads / kv_heads); rotary pairs (i, i + rotary/2) with angle position * theta^(-2i/rotary);
scores scaled by 1/sqrt(head_dim); gate rows first in gate_up.
"""

import base64
import json
import math
import pathlib
import platform

import torch
import torch.nn.functional as F

SEED = 20220304
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/ModelsTests/Goldens"
LENGTHS = [5, 1, 70]

A = dict(
    vocabulary=50, context=80, width=24, layers=2, heads=4, kv_heads=4, head_dim=6, feed_forward=40,
    norm="layer", norm_epsilon=1e-5, positions="learned", rotary=0, rotary_theta=10000.0,
    rope_scaling=None, activation="gelu", biases=True, qkv_biases=True, parallel=False,
    head_norms=False, tied=True)
B = dict(
    vocabulary=50, context=80, width=24, layers=2, heads=4, kv_heads=2, head_dim=6, feed_forward=40,
    norm="rms", norm_epsilon=1e-5, positions="rotary", rotary=4, rotary_theta=10000.0,
    rope_scaling=None, activation="swiglu", biases=False, qkv_biases=False, parallel=False,
    head_norms=False, tied=False)
# As GPT-NeoX, Qwen3 and Qwen2 with Llama 3.1's rope.
C = dict(
    A, positions="rotary", rotary=2, activation="gelu_exact", parallel=True, tied=False)
D = dict(B, heads=6, kv_heads=3, head_dim=8, rotary=8, head_norms=True, tied=True)
E = dict(
    B, rotary=6, qkv_biases=True,
    rope_scaling=dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_context=30))


def shapes(c):
    """Names and shapes of all parameters, in order."""
    d, hd, ff = c["width"], c["head_dim"], c["feed_forward"]
    out = []

    def linear(name, rows, columns):
        out.append((name + ".weight", (rows, columns)))
        if c["qkv_biases" if name.endswith("qkv") else "biases"]:
            out.append((name + ".bias", (rows,)))

    def norm(name):
        out.append((name + ".weight", (d,)))
        if c["norm"] == "layer" and c["biases"]:
            out.append((name + ".bias", (d,)))

    out.append(("token_embedding.weight", (c["vocabulary"], d)))
    if c["positions"] == "learned":
        out.append(("position_embedding.weight", (c["context"], d)))
    for n in range(c["layers"]):
        layer = f"layers.{n}."
        norm(layer + "norm1")
        linear(layer + "attention.qkv", (c["heads"] + 2 * c["kv_heads"]) * hd, d)
        if c["head_norms"]:
            out.append((layer + "attention.query_norm.weight", (hd,)))
            out.append((layer + "attention.key_norm.weight", (hd,)))
        linear(layer + "attention.output", d, c["heads"] * hd)
        norm(layer + "norm2")
        if c["activation"] == "swiglu":
            linear(layer + "mlp.gate_up", 2 * ff, d)
        else:
            linear(layer + "mlp.up", ff, d)
        linear(layer + "mlp.down", d, ff)
    norm("final_norm")
    if not c["tied"]:
        out.append(("unembedding.weight", (c["vocabulary"], d)))
    out += [("head.weight", (d,)), ("head.bias", (1,))]
    return out


def initial(c, generator):
    """float32 parameters, large enough that no nonlinearity is close to a line."""
    parameters = {}
    for name, shape in shapes(c):
        noise = torch.randn(shape, generator=generator, dtype=torch.float32)
        if "norm" in name and name.endswith("weight"):
            parameters[name] = 1 + 0.2 * noise
        elif "embedding" in name:
            parameters[name] = 0.7 * noise
        elif name.endswith("bias"):
            parameters[name] = 0.2 * noise
        else:
            parameters[name] = 1.2 / math.sqrt(shape[-1]) * noise
    return parameters


def rotate(x, c):
    """x: [T, heads, head_dim]; rotates the first `rotary` elements of each head."""
    r = c["rotary"]
    half = r // 2
    frequency = c["rotary_theta"] ** (-2 * torch.arange(half, dtype=torch.float64) / r)
    if c["rope_scaling"]:
        s = c["rope_scaling"]
        turns = s["original_context"] * frequency / (2 * math.pi)
        share = (turns - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
        frequency *= share.clamp(0, 1) + (1 - share.clamp(0, 1)) / s["factor"]
    angle = torch.arange(x.shape[0], dtype=torch.float64)[:, None] * frequency
    cosine, sine = angle.cos().to(x.dtype)[:, None], angle.sin().to(x.dtype)[:, None]
    a, b, rest = x[..., :half], x[..., half:r], x[..., r:]
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine, rest], dim=-1)


def hidden_states(c, p, tokens):
    """[T] ids to the final norm's output [T, width]."""
    T, h, kv, hd = len(tokens), c["heads"], c["kv_heads"], c["head_dim"]

    def linear(name, x):
        return F.linear(x, p[name + ".weight"], p.get(name + ".bias"))

    def norm(name, x):
        if c["norm"] == "layer":
            return F.layer_norm(
                x, x.shape[-1:], p[name + ".weight"], p.get(name + ".bias"), c["norm_epsilon"])
        return rms(name, x)

    def rms(name, x):
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + c["norm_epsilon"])
        return x * scale * p[name + ".weight"]

    x = p["token_embedding.weight"][tokens]
    if c["positions"] == "learned":
        x = x + p["position_embedding.weight"][:T]
    mask = torch.ones(T, T, dtype=torch.bool).tril()
    for n in range(c["layers"]):
        layer = f"layers.{n}."
        q, k, v = linear(layer + "attention.qkv", norm(layer + "norm1", x)).split(
            [h * hd, kv * hd, kv * hd], dim=-1)
        q, k, v = q.view(T, h, hd), k.view(T, kv, hd), v.view(T, kv, hd)
        if c["head_norms"]:
            q, k = rms(layer + "attention.query_norm", q), rms(layer + "attention.key_norm", k)
        if c["positions"] == "rotary":
            q, k = rotate(q, c), rotate(k, c)
        k, v = k.repeat_interleave(h // kv, dim=1), v.repeat_interleave(h // kv, dim=1)
        scores = torch.einsum("ihd,jhd->hij", q, k) / math.sqrt(hd)
        attention = scores.masked_fill(~mask, -math.inf).softmax(-1)
        mixed = torch.einsum("hij,jhd->ihd", attention, v).reshape(T, h * hd)
        attended = x + linear(layer + "attention.output", mixed)
        y = norm(layer + "norm2", x if c["parallel"] else attended)
        x = attended
        if c["activation"] == "swiglu":
            gate, up = linear(layer + "mlp.gate_up", y).chunk(2, dim=-1)
            y = F.silu(gate) * up
        else:
            form = "tanh" if c["activation"] == "gelu" else "none"
            y = F.gelu(linear(layer + "mlp.up", y), approximate=form)
        x = x + linear(layer + "mlp.down", y)
    return norm("final_norm", x)


def gradients(loss, p):
    found = torch.autograd.grad(loss, list(p.values()), retain_graph=True, allow_unused=True)
    return {name: g for name, g in zip(p, found) if g is not None}


def evaluate(c, parameters, batch, dtype):
    p = {name: value.to(dtype).requires_grad_() for name, value in parameters.items()}
    per_sequence = [hidden_states(c, p, torch.tensor(s)) for s in batch["sequences"]]
    hidden = torch.cat(per_sequence)
    logits = hidden @ p["token_embedding.weight" if c["tied"] else "unembedding.weight"].T
    targets = torch.tensor(batch["targets"])[:, None]
    logprobs = logits.log_softmax(-1)
    chosen = logprobs.gather(1, targets)[:, 0]
    loss = (batch["weights"].to(dtype) * -chosen).sum() / len(targets)
    last = torch.stack([h[-1] for h in per_sequence])
    scores = last @ p["head.weight"] + p["head.bias"]
    score_loss = (batch["score_weights"].to(dtype) * scores).sum()
    return dict(
        loss=loss, logprobs=chosen, hidden=hidden, logits=logits,
        logprobs_cool=(logits / 0.7).log_softmax(-1).gather(1, targets)[:, 0],
        entropy=-(logprobs.exp() * logprobs).sum(-1), gradients=gradients(loss, p),
        scores=scores, score_loss=score_loss, score_gradients=gradients(score_loss, p))


def deviation(exact, rough):
    """The largest |rough - exact| / max|exact| over all tensors of two results; the two losses
    may cancel to almost nothing and are left out."""
    worst = 0.0
    for key, value in exact.items():
        if key.endswith("loss"):
            continue
        pairs = [(value[n], rough[key][n]) for n in value] if isinstance(value, dict) \
            else [(value, rough[key])]
        for a, b in pairs:
            worst = max(worst, ((a - b.double()).abs().max() / a.abs().max()).item())
    return worst


def packed(tensor):
    return base64.b64encode(
        tensor.detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes()).decode()


def write(name, c, seed):
    generator = torch.Generator().manual_seed(seed)
    parameters = initial(c, generator)
    sequences = [
        torch.randint(0, c["vocabulary"], (n,), generator=generator).tolist() for n in LENGTHS]
    weights = torch.randn(sum(LENGTHS), generator=generator, dtype=torch.float32)
    weights[torch.rand(len(weights), generator=generator) < 0.25] = 0  # prompt tokens
    weights[LENGTHS[0]] = 1.5  # the sequence of one token counts
    batch = dict(
        sequences=sequences, targets=[t for s in sequences for t in s[1:] + [0]], weights=weights,
        score_weights=torch.tensor([0.75, -1.25, 0.8125]))
    r = evaluate(c, parameters, batch, torch.float64)
    rows = [0, 4, 5, 6, 40, 69, 70, 75]
    listed = lambda g: [dict(name=n, data=packed(v)) for n, v in g.items()]
    result = dict(
        made_with=dict(torch=torch.__version__, python=platform.python_version(), seed=seed),
        tolerance=2e-5,
        float32_deviation=deviation(r, evaluate(c, parameters, batch, torch.float32)),
        architecture=c,
        parameters=[
            dict(name=n, shape=list(v.shape), data=packed(v)) for n, v in parameters.items()],
        sequences=sequences, targets=batch["targets"], weights=packed(weights),
        language_model=dict(
            count=len(weights), loss=r["loss"].item(), logprobs=packed(r["logprobs"]),
            logprobs_cool=packed(r["logprobs_cool"]), entropy=packed(r["entropy"]),
            hidden_sum=r["hidden"].sum().item(), hidden_abs_sum=r["hidden"].abs().sum().item(),
            rows=rows, hidden=packed(r["hidden"][rows]), logits=packed(r["logits"][rows]),
            gradients=listed(r["gradients"])),
        scalar_head=dict(
            scores=packed(r["scores"]), weights=packed(batch["score_weights"]),
            loss=r["score_loss"].item(), gradients=listed(r["score_gradients"])))
    path = OUT / f"model_{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path.name, path.stat().st_size, "bytes; loss", result["language_model"]["loss"],
          "float32 deviation", result["float32_deviation"])


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    write("a", A, SEED)
    write("b", B, SEED + 1)
    write("c", C, SEED + 2)
    write("d", D, SEED + 3)
    write("e", E, SEED + 4)
