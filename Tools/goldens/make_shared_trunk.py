"""Writes Tests/TrainingTests/Goldens/shared_trunk.json: one update of PPO with a value head on the policy's own
trunk, by autograd.

The model is make_model.py's, plain PyTorch in float64, with an unembedding and a scalar head on the same hidden
states. Sequences are forwarded one by one, so that there is no padding.

Schema (floats: base64 of little-endian float32, row-major, for tensors; else plain JSON numbers):
  made_with      {"torch", "python", "seed"}
  tolerance      |ours - golden| <= tolerance * max(1, max|golden|), of any one tensor or list
  float32_deviation  how far PyTorch's own float32 is from the gradients, in the same measure
  architecture   {"vocabulary", "context", "width", "layers", "heads", "kv_heads", "head_dim", "feed_forward",
                  "norm_epsilon", "rotary_theta"}: RMSNorm, rotary positions, SwiGLU, no biases, not tied
  options        {"temperature", "cliprange", "cliprange_value", "vf_coef"}
  parameters     [{"name", "data"}], head.weight and head.bias among them
  prompts, responses   token ids
  logprobs, values     of the rollout: so far from those of the update that some of either are clipped
  advantages, returns, weights    one a token, answers laid end to end
  new_logprobs, new_values        of the update
  losses         {"policy", "value"}, the value's without vf_coef
  clipped        {"policy", "value"}: shares of tokens
  gradients      [{"name", "data"}] of policy loss + vf_coef * value loss
"""

import json
import pathlib
import platform

import torch

from make_model import B, gradients, hidden_states, initial, packed

SEED = 20200904
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/TrainingTests/Goldens"
SHAPE = dict(
    B, vocabulary=13, context=24, width=8, heads=4, kv_heads=2, head_dim=4, feed_forward=12, rotary=4)
OPTIONS = dict(temperature=0.8, cliprange=0.2, cliprange_value=0.2, vf_coef=0.3)
LISTED = [
    "vocabulary", "context", "width", "layers", "heads", "kv_heads", "head_dim", "feed_forward",
    "norm_epsilon", "rotary_theta"]


def read(p, prompts, responses):
    """Log-probabilities and values of all tokens of the answers, end to end."""
    logprobs, values = [], []
    for prompt, response in zip(prompts, responses):
        h = hidden_states(SHAPE, p, torch.tensor(prompt + response))[len(prompt) - 1:-1]
        logits = h @ p["unembedding.weight"].T / OPTIONS["temperature"]
        logprobs.append(logits.log_softmax(-1).gather(1, torch.tensor(response)[:, None])[:, 0])
        values.append(h @ p["head.weight"] + p["head.bias"])
    return torch.cat(logprobs), torch.cat(values)


def update(parameters, rollout, dtype):
    p = {name: value.to(dtype).requires_grad_() for name, value in parameters.items()}
    r = {k: v.to(dtype) for k, v in rollout.items() if isinstance(v, torch.Tensor)}
    logprobs, values = read(p, rollout["prompts"], rollout["responses"])
    e, ev = OPTIONS["cliprange"], OPTIONS["cliprange_value"]
    ratio = (logprobs - r["logprobs"]).exp()
    losses, clipped = -r["advantages"] * ratio, -r["advantages"] * ratio.clamp(1 - e, 1 + e)
    policy = (r["weights"] * torch.max(losses, clipped)).mean()
    kept = torch.clamp(values, r["values"] - ev, r["values"] + ev)
    errors, kept_errors = (values - r["returns"]) ** 2, (kept - r["returns"]) ** 2
    value = 0.5 * torch.max(errors, kept_errors).mean()
    return dict(
        new_logprobs=logprobs, new_values=values, losses=dict(policy=policy, value=value),
        clipped=dict(
            policy=(clipped > losses).double().mean(), value=(kept_errors > errors).double().mean()),
        gradients=gradients(policy + OPTIONS["vf_coef"] * value, p))


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value.tolist() if isinstance(value, torch.Tensor) else value


def main():
    generator = torch.Generator().manual_seed(SEED)

    def noise(n):
        return torch.randn(n, generator=generator, dtype=torch.float32)

    parameters = initial(SHAPE, generator)
    ids = lambda n: torch.randint(0, SHAPE["vocabulary"], (n,), generator=generator).tolist()
    prompts, responses = [ids(n) for n in [3, 1, 5, 2, 4]], [ids(n) for n in [7, 1, 10, 3, 5]]
    with torch.no_grad():
        now, values = read({n: v.double() for n, v in parameters.items()}, prompts, responses)
    n = len(now)
    rollout = dict(
        prompts=prompts, responses=responses, logprobs=(now + 0.2 * noise(n)).float(),
        values=(values + 0.3 * noise(n)).float(), advantages=noise(n),
        returns=(values + noise(n)).float(), weights=0.5 + torch.rand(n, generator=generator))
    r = update(parameters, rollout, torch.float64)
    rough = update(parameters, rollout, torch.float32)["gradients"]
    deviation = max(
        ((g - rough[name].double()).abs().max() / g.abs().max().clamp(min=1)).item()
        for name, g in r["gradients"].items())
    listed = lambda tensors: [dict(name=n, data=packed(v)) for n, v in tensors.items()]
    result = dict(
        made_with=dict(torch=torch.__version__, python=platform.python_version(), seed=SEED),
        tolerance=5e-6, float32_deviation=deviation, architecture={k: SHAPE[k] for k in LISTED},
        options=OPTIONS, parameters=listed(parameters),
        **plain(rollout), **plain({k: v for k, v in r.items() if k != "gradients"}),
        gradients=listed(r["gradients"]))
    path = OUT / "shared_trunk.json"
    path.write_text(json.dumps(result).replace('}, {"name"', '},\n{"name"') + "\n")
    print(path.name, path.stat().st_size, "bytes;", result["losses"], result["clipped"],
          "float32 deviation", deviation)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
