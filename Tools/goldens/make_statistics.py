"""Writes Tests/StatisticsTests/Goldens/statistics.json: the fits that the studies report.

Gao's forms by numpy's least squares, the length-controlled win rate by PyTorch (L-BFGS in float64
on the penalised likelihood), a slope and its standard error by numpy's polyfit, quantiles of
Student's t by mpmath.

Schema (plain JSON numbers):
  made_with   {"numpy", "torch", "mpmath", "python", "seed"}
  tolerance   |ours - golden| <= tolerance * max(1, |golden|)
  gold_curves [{"form": "bestOfN" | "reinforcement", "kl", "gold", "alpha", "beta", "residual",
                "r_squared", "peak_kl" (of a search on a fine grid; -1 for none within reach)}]
  length      [{"prompts": [[[outcome 1 | 0.5 | 0, extra length]]], "model", "length", "win_rate"}]
  slope       {"sizes", "y", "slope", "standard_error"}
  student     [[degrees, 97.5 % quantile]]
"""

import json
import pathlib
import platform

import mpmath
import numpy as np
import torch

SEED = 11
RIDGE = 0.01
rng = np.random.default_rng(SEED)
FOLDER = pathlib.Path(__file__).parents[2] / "Tests/StatisticsTests/Goldens"


def gold_curve(form, alpha, beta, kl, noise):
    d = np.sqrt(kl)
    other = d * d if form == "bestOfN" else d * np.log(d)
    gold = alpha * d - beta * other + rng.normal(0, noise, len(d))
    (a, b), *_ = np.linalg.lstsq(np.stack([d, -other], 1), gold, rcond=None)
    fit = a * d - b * other
    left = np.sum((gold - fit) ** 2)
    fine = np.linspace(1e-9, d.max(), 2_000_001)
    curve = fine * (a - b * fine) if form == "bestOfN" else fine * (a - b * np.log(fine))
    best = int(np.argmax(curve))
    return {
        "form": form, "kl": kl.tolist(), "gold": gold.tolist(), "alpha": a, "beta": b,
        "residual": float(np.sqrt(left / len(d))),
        "r_squared": float(1 - left / np.sum((gold - gold.mean()) ** 2)),
        "peak_kl": -1 if best == len(fine) - 1 else float(fine[best] ** 2),
    }


def length_control(prompts, model, length):
    contests = []
    for _ in range(prompts):
        prompt = []
        for _ in range(rng.integers(1, 5)):
            extra = int(rng.normal(4, 6))
            p = 1 / (1 + np.exp(-(model + length * np.tanh(extra / 6))))
            tie = rng.random() < 0.2
            prompt.append([0.5 if tie else float(rng.random() < p), extra])
        contests.append(prompt)
    extra = np.array([c[1] for p in contests for c in p], float)
    outcome = np.array([c[0] for p in contests for c in p])
    weight = np.array([1 / len(p) for p in contests for _ in p])
    scale = np.sqrt(np.average((extra - np.average(extra, weights=weight)) ** 2, weights=weight))
    x = torch.tensor(np.tanh(extra / scale))
    y, w = torch.tensor(outcome), torch.tensor(weight)
    coefficients = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [coefficients], max_iter=500, tolerance_grad=1e-13, tolerance_change=0,
        line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        z = coefficients[0] + coefficients[1] * x
        value = torch.sum(w * (torch.nn.functional.softplus(z) - y * z))
        value = value + 0.5 * RIDGE * torch.sum(coefficients**2)
        value.backward()
        return value

    optimizer.step(loss)
    theta, phi = coefficients.detach().tolist()
    return {"prompts": contests, "model": theta, "length": phi,
            "win_rate": float(1 / (1 + np.exp(-theta)))}


def slope():
    sizes = np.array([50, 50, 100, 100, 200, 200, 400, 400, 800.0])
    y = 0.6 + 0.011 * np.log2(sizes) + rng.normal(0, 0.01, len(sizes))
    line, covariance = np.polyfit(np.log2(sizes), y, 1, cov=True)
    return {"sizes": sizes.tolist(), "y": y.tolist(), "slope": float(line[0]),
            "standard_error": float(np.sqrt(covariance[0, 0]))}


def student():
    mpmath.mp.dps = 30

    def above(t, n):
        x = n / (n + t * t)
        return mpmath.betainc(mpmath.mpf(n) / 2, mpmath.mpf(1) / 2, 0, x, regularized=True) / 2

    degrees = [1, 2, 3, 4, 5, 7, 10, 15, 20, 29, 30, 31, 40, 100, 1000]
    return [
        [n, float(mpmath.findroot(lambda t: above(t, n) - mpmath.mpf("0.025"),
                                  {1: 12.7, 2: 4.3}.get(n, 2.2)))]
        for n in degrees]


kl = np.array([0.05, 0.4, 1, 2, 3.5, 6, 10, 16, 25.0])
golden = {
    "made_with": {"numpy": np.__version__, "torch": torch.__version__,
                  "mpmath": mpmath.__version__, "python": platform.python_version(), "seed": SEED},
    "tolerance": 1e-6,
    "gold_curves": [
        gold_curve("bestOfN", 0.9, 0.12, kl, 0.03), gold_curve("reinforcement", 0.7, 0.42, kl, 0.05),
        gold_curve("bestOfN", 0.9, 0.01, kl, 0.02), gold_curve("reinforcement", 0.5, 0.1, kl, 0.02),
    ],
    "length": [length_control(60, 0.3, 1.2), length_control(40, -0.8, 0), length_control(25, 4, 3)],
    "slope": slope(),
    "student": student(),
}
(FOLDER / "statistics.json").write_text(json.dumps(golden, indent=1) + "\n")
