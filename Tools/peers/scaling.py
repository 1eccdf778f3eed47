"""How our own time and memory grow: each series changes one thing; log-log least squares gives the exponents.

Called by `Tools/bench --scaling`. Rounds go over all points of a series, so that a slow minute of the machine
does not bend one end of it; medians. Memory has a constant part (the program, the weights and what AdamW
keeps), so that its exponent is below that of what grows.
"""

import argparse
import dataclasses
import datetime
import math
import pathlib
import statistics
import sys
from collections.abc import Callable

import measuring
from measuring import figure

COLUMNS = [
    "work", "against", "value", "seconds", "peak_bytes", "seconds_exponent", "bytes_exponent",
    "others_busy", "rounds", "machine", "date"]
LAYERS = 6


@dataclasses.dataclass
class Series:
    work: str
    against: str
    values: list[int]
    arguments: Callable[[int], str]  # of `tinyrlhf bench` at a value
    tokens: Callable[[int], int]  # of a training step, or of a generation step: one of each sequence


def shape(width=192):
    return f"--layers {LAYERS} --d-model {width} --heads {width // 32} --vocab 1024"


def width(parameters):
    """Of the model whose layers have so many parameters, 12 · layers · width²."""
    return math.isqrt(parameters // (12 * LAYERS))


MODELS = [12 * LAYERS * width * width for width in (96, 192, 384, 768)]
SERIES = [
    Series("training step", "sequence length", [64, 128, 256, 512, 1024, 2048],
           lambda n: f"train {shape()} --batch 4 --context {n}", lambda n: 4 * n),
    Series("training step", "batch", [1, 2, 4, 8, 16, 32, 64],
           lambda n: f"train {shape()} --batch {n} --context 128", lambda n: 128 * n),
    Series("training step", "parameters", MODELS,
           lambda n: f"train {shape(width(n))} --batch 8 --context 128", lambda n: 8 * 128),
    Series("generation step", "sequence length", [64, 128, 256, 512, 1024, 2048],
           lambda n: f"decode {shape()} --batch 16 --prompt {n} --new 32", lambda n: 16),
    Series("generation step", "batch", [1, 2, 4, 8, 16, 32, 64, 128],
           lambda n: f"decode {shape()} --batch {n} --prompt 32 --new 48", lambda n: n),
    Series("generation step", "parameters", MODELS,
           lambda n: f"decode {shape(width(n))} --batch 64 --prompt 32 --new 48", lambda n: 64),
]


def exponent(values, costs):
    """b of cost = a · valueᵇ."""
    return statistics.linear_regression([math.log(v) for v in values], [math.log(c) for c in costs]).slope


def measure(series, options):
    seconds, peaks, others = ({value: [] for value in series.values} for _ in range(3))
    for count in range(options.rounds):
        named = f"{series.work} against {series.against}"
        print(f"{named}, round {count + 1} of {options.rounds}", file=sys.stderr, flush=True)
        for value in series.values:
            found = measuring.bench(
                options.program, series.arguments(value), options.threads, options.seconds)
            seconds[value].append(series.tokens(value) / found["tokens_per_second"])
            peaks[value].append(found["peak_rss_bytes"])
            others[value].append(found["others"])
    seconds, peaks, others = (
        [statistics.median(each[value]) for value in series.values] for each in (seconds, peaks, others))
    slopes = [f"{exponent(series.values, costs):.3f}" for costs in (seconds, peaks)]
    return [
        {"work": series.work, "against": series.against, "value": value, "seconds": f"{second:.4g}",
         "peak_bytes": int(peak), "seconds_exponent": slopes[0], "bytes_exponent": slopes[1],
         "others_busy": f"{other:.3g}", "rounds": options.rounds,
         "machine": measuring.machine(options.threads),
         "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat()}
        for value, second, peak, other in zip(series.values, seconds, peaks, others)]


def markdown(rows):
    lines = []
    for series in SERIES:
        mine = [row for row in rows if (row["work"], row["against"]) == (series.work, series.against)]
        if mine:
            first, last = mine[0], mine[-1]
            lines.append([
                series.work, f"{series.against} {int(first['value']):,} … {int(last['value']):,}",
                f"{figure(1e3 * float(first['seconds']))} … {figure(1e3 * float(last['seconds']))} ms",
                first["seconds_exponent"],
                f"{figure(int(first['peak_bytes']) / 1e6)} … {figure(int(last['peak_bytes']) / 1e6)} MB",
                first["bytes_exponent"]])
    return measuring.table(["work", "against", "time", "exponent", "memory", "exponent"], lines)


def main():
    parser = argparse.ArgumentParser(prog="Tools/bench --scaling")
    parser.add_argument("program", help=argparse.SUPPRESS)
    parser.add_argument("--scaling", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each series (3)")
    parser.add_argument("--seconds", type=float, default=1, help="each run measures at least so long (1)")
    parser.add_argument("--threads", type=int, default=2, help="threads (2)")
    parser.add_argument("--output", type=pathlib.Path, default=measuring.RESULTS / "scaling.csv")
    options = parser.parse_args()
    rows = []
    for series in SERIES:
        rows += measure(series, options)
        measuring.write_rows(options.output, COLUMNS, rows)
    print(markdown(rows))


main()
