"""Writes Tests/TrainingTests/Goldens/training.json: PPO, ranking loss, AdamW, schedule by PyTorch.

Inputs are float32 numbers, results are computed in float64 (gradients by autograd). PPO follows
the formulas of TRL's PPO trainer, in its padded form: every sequence is padded, masked, and
read back, which our ragged code never does.

Schema (plain JSON numbers; lists over tokens are sequences laid end to end):
  made_with   {"torch", "python", "seed"}
  tolerance   {"float": for results that ours rounds to float32, "double": for float64 ones};
              |ours - golden| <= tolerance * max(1, |golden|)
  ppo         {"lengths", "kl_coefficient", "gamma", "lambda", "clip_range", "value_clip_range",
               "value_coefficient", "weight_cap",
               "scores": [sequences],
               "logprobs", "reference", "values": of the rollout,
               "sampled": of the int8 sampler,
               "new_logprobs", "new_values": of the update,
               -- results --
               "rewards", "rewards_whitened" (without mean shift), "advantages", "returns",
               "advantages_whitened",
               "importance": {"weights", "mean", "max", "clipped", "k3"},
               "policy_loss", "value_loss" (coefficient included), "d_logprobs", "d_values",
               "approxkl", "clipfrac", "value_clipfrac", "ratio", "ratio_var",
               "explained_variance", "kl": {"k1", "k2", "k3"} summed over tokens}
  ppo_past_end  {"maximum_length", "lengths", "values": [of lengths], "rewards", "advantages",
               "returns"}: the score one past the end, as TRL places it; else as in "ppo"
  ranking     [{"prompts", "margin", "centering", "scores": [[K]], "ranks": [[K]], "loss",
                "gradients": [[K]], "pairs", "correct"}]
  adamw       {"start", "gradients": [steps][n], "learning_rate", "beta1", "beta2", "epsilon",
               "weight_decay", "torch_form": [n] after all steps (torch.optim.AdamW itself),
               "tensorflow_form": [n] (its formula, in float64)}
  schedule    {"peak", "floor", "total", "rates": [total + 1]}: cosine, torch's CosineAnnealingLR
"""

import json
import math
import pathlib
import platform

import torch

SEED = 20170720
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/TrainingTests/Goldens"
generator = torch.Generator().manual_seed(SEED)


def noise(*shape):
    """float32 numbers, as float64."""
    return torch.randn(shape, generator=generator, dtype=torch.float32).double()


def f32(tensor):
    return tensor.float().double()


def padded(flat, lengths, width):
    out = torch.zeros(len(lengths), width, dtype=flat.dtype)
    for row, part in enumerate(flat.split(lengths)):
        out[row, :len(part)] = part
    return out


def ragged(matrix, lengths):
    return torch.cat([matrix[row, :n] for row, n in enumerate(lengths)])


def mask_of(lengths, width):
    return torch.arange(width)[None] < torch.tensor(lengths)[:, None]


def masked_mean(values, mask):
    return (values * mask).sum() / mask.sum()


def whiten(values, mask, shift_mean):
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean) ** 2, mask) * mask.sum() / (mask.sum() - 1)
    out = (values - mean) * torch.rsqrt(variance + 1e-8)
    return out if shift_mean else out + mean


def gae(rewards, values, gamma, lam):
    """Padded, zeros beyond the end in both."""
    advantages, last = torch.zeros_like(rewards), torch.zeros(len(rewards), dtype=rewards.dtype)
    for t in reversed(range(rewards.shape[1])):
        following = values[:, t + 1] if t + 1 < rewards.shape[1] else 0.0
        last = rewards[:, t] + gamma * following - values[:, t] + gamma * lam * last
        advantages[:, t] = last
    return advantages


def ppo():
    lengths = [7, 1, 12, 3, 12, 5]
    width, n = 12, sum(lengths)
    mask = mask_of(lengths, width)
    beta, gamma, lam, clip, value_clip, vf, cap = 0.05, 0.99, 0.95, 0.2, 0.2, 0.1, 2.0
    logprobs = f32(-2 - noise(n).abs())
    reference = f32(logprobs + 0.3 * noise(n))
    sampled = f32(logprobs + 0.2 * noise(n))
    sampled[3] = logprobs[3] - 1.0  # above the cap
    sampled[3] = f32(sampled[3])
    values, scores = 0.5 * noise(n), noise(len(lengths))
    new_logprobs = f32(logprobs + 0.2 * noise(n))
    new_values = f32(values + 0.2 * noise(n))

    def finish(rewards, mask, values, lengths):
        advantages = gae(rewards, values, gamma, lam)
        return advantages, advantages + values

    kl = padded(logprobs - reference, lengths, width)
    rewards = -beta * kl
    rewards[torch.arange(len(lengths)), torch.tensor(lengths) - 1] += scores
    advantages, returns = finish(rewards, mask, padded(values, lengths, width), lengths)
    white = whiten(advantages, mask, True)

    weights = (logprobs - sampled).exp().clamp(max=cap)
    d = logprobs - sampled
    A = padded(f32(ragged(white, lengths)), lengths, width)  # ours is rounded on the way
    R = padded(f32(ragged(returns, lengths)), lengths, width)
    W = padded(f32(weights), lengths, width)
    new = new_logprobs.clone().requires_grad_()
    ratio = (padded(new, lengths, width) - padded(logprobs, lengths, width)).exp()
    losses, losses2 = -A * ratio, -A * ratio.clamp(1 - clip, 1 + clip)
    policy_loss = masked_mean(W * torch.max(losses, losses2), mask)
    v = new_values.clone().requires_grad_()
    vp, old = padded(v, lengths, width), padded(values, lengths, width)
    errors, errors2 = (vp - R) ** 2, (torch.clamp(vp, old - value_clip, old + value_clip) - R) ** 2
    value_loss = vf * 0.5 * masked_mean(torch.max(errors, errors2), mask)
    policy_loss.backward()
    value_loss.backward()

    flat_ratio = (new_logprobs - logprobs).exp()
    r = ragged(returns, lengths)
    delta = logprobs - reference
    batch = dict(
        lengths=lengths, kl_coefficient=beta, clip_range=clip, value_clip_range=value_clip,
        value_coefficient=vf, gamma=gamma, weight_cap=cap, scores=scores, logprobs=logprobs,
        reference=reference, sampled=sampled, values=values, new_logprobs=new_logprobs,
        new_values=new_values, rewards=ragged(rewards, lengths),
        rewards_whitened=ragged(whiten(rewards, mask, False), lengths),
        advantages=ragged(advantages, lengths), returns=r,
        advantages_whitened=ragged(white, lengths),
        importance=dict(
            weights=weights, mean=d.exp().mean(), max=d.exp().max(),
            clipped=(d.exp() > cap).double().mean(), k3=(d.exp() - 1 - d).mean()),
        policy_loss=policy_loss, value_loss=value_loss, d_logprobs=new.grad, d_values=v.grad,
        approxkl=0.5 * ((new_logprobs - logprobs) ** 2).mean(),
        clipfrac=masked_mean((losses2 > losses).double(), mask),
        value_clipfrac=masked_mean((errors2 > errors).double(), mask),
        ratio=flat_ratio.mean(), ratio_var=flat_ratio.var(unbiased=False),
        explained_variance=1 - (r - values).var() / r.var(),
        kl=dict(k1=delta.sum(), k2=(delta ** 2 / 2).sum(),
                k3=((-delta).exp() - 1 + delta).sum()))
    batch["lambda"] = lam

    # TRL: the score at min(length, width - 1), whose padded logprobs are equal, so its KL is 0.
    past = [min(n + 1, width) for n in lengths]
    past_values = 0.5 * noise(sum(past))
    rewards = -beta * kl
    rewards[torch.arange(len(lengths)), torch.tensor([min(n, width - 1) for n in lengths])] += scores
    advantages, returns = finish(
        rewards, mask_of(past, width), padded(past_values, past, width), past)
    past_end = dict(
        maximum_length=width, lengths=past, values=past_values, rewards=ragged(rewards, past),
        advantages=ragged(advantages, past), returns=ragged(returns, past))
    return batch, past_end


def ranking(margin, centering):
    """By a plain double loop over pairs, gradients by autograd."""
    ranks = [[1, 2, 3, 4], [2, 1], [1, 2, 2, 4, 1, 3, 2], [1, 1, 1], [3, 1, 1, 2, 4, 5, 5, 6, 2]]
    scores = [(2 * noise(len(r))).requires_grad_() for r in ranks]
    total, pairs, correct = 0, 0, 0
    for s, r in zip(scores, ranks):
        k = len(r)
        one = 0
        for w in range(k):
            for l in range(k):
                if r[w] < r[l]:
                    pairs += 1
                    correct += int(s[w] > s[l])
                    one = one - torch.nn.functional.logsigmoid(s[w] - s[l] - margin)
                    one = one + centering * (s[w] + s[l]) ** 2
        total = total + one / math.comb(k, 2)
    loss = total / len(ranks)
    gradients = torch.autograd.grad(loss, scores, allow_unused=True)
    return dict(
        prompts=len(ranks), margin=margin, centering=centering, scores=scores, ranks=ranks,
        loss=loss, pairs=pairs, correct=correct,
        gradients=[torch.zeros(len(r)) if g is None else g for g, r in zip(gradients, ranks)])


def adamw():
    n, steps = 9, 20
    lr, beta1, beta2, epsilon, decay = 0.01, 0.9, 0.95, 1e-5, 0.1
    start, gradients = noise(n), noise(steps, n) * torch.logspace(-5, 1, n).float().double()
    gradients = f32(gradients)
    p = start.clone().requires_grad_()
    optimizer = torch.optim.AdamW(
        [p], lr=lr, betas=(beta1, beta2), eps=epsilon, weight_decay=decay, foreach=False)
    q, m, v = start.clone(), torch.zeros(n).double(), torch.zeros(n).double()
    for t, g in enumerate(gradients, 1):
        p.grad = g.clone()
        optimizer.step()
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        rate = math.sqrt(1 - beta2 ** t) / (1 - beta1 ** t)
        q = q - lr * (decay * q + rate * m / (v.sqrt() + epsilon))
    return dict(
        start=start, gradients=gradients, learning_rate=lr, beta1=beta1, beta2=beta2,
        epsilon=epsilon, weight_decay=decay, torch_form=p, tensorflow_form=q)


def schedule():
    peak, floor, total = 3e-4, 0.1, 37
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    torch_schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total, peak * floor)
    rates = []
    for _ in range(total + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        torch_schedule.step()
    return dict(peak=peak, floor=floor, total=total, rates=rates)


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.detach().tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    batch, past_end = ppo()
    result = dict(
        made_with=dict(torch=torch.__version__, python=platform.python_version(), seed=SEED),
        tolerance=dict(float=2e-7, double=1e-12), ppo=batch, ppo_past_end=past_end,
        ranking=[ranking(0.0, 0.0), ranking(0.5, 0.01)], adamw=adamw(), schedule=schedule())
    path = OUT / "training.json"
    path.write_text(json.dumps(plain(result), indent=None).replace('], "', '],\n"') + "\n")
    print(path.name, path.stat().st_size, "bytes")
