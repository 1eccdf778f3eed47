"""Ours and the peers' runs, alternately, each in a process of its own; medians and ratios.

Called by Tools/bench. A round of a work runs our command once and each of its peers' once. Every run warms
up and repeats inside, and gives one rate; its process gives the peak of resident memory.
"""

import argparse
import dataclasses
import datetime
import json
import pathlib
import statistics
import sys

import measuring
from measuring import figure
from works import works

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = [
    "work", "peer", "peer_version", "unit", "ours", "theirs", "ratio", "ratio_low", "ratio_high", "wanted",
    "ours_peak_bytes", "peer_peak_bytes", "memory_ratio", "memory_wanted", "ours_fraction_of_limit",
    "others_busy", "rounds", "machine", "date"]


@dataclasses.dataclass
class Run:
    rate: float
    peak: int
    others: float
    fraction: float | None = None


def ours(work, options):
    seconds = options.seconds if work.takes_seconds else 0
    found = measuring.bench(options.program, work.ours, options.threads, seconds)
    return Run(found[work.rate], found["peak_rss_bytes"], found["others"], found["fraction_of_limit"])


def theirs(peer, options):
    program, *arguments = peer.command.split()
    if program.startswith("llama"):
        return llama(program, arguments, options)
    finished = measuring.run(
        [options.peers / "python/bin/python", HERE / program, *arguments, "--threads", options.threads,
         "--seconds", options.seconds], options.threads)
    rate = json.loads(finished.output.splitlines()[-1])["rate"]
    return Run(rate, finished.peak, finished.others)


def llama(program, arguments, options):
    """Flash attention is its faster way on a CPU. Its own repetitions are the run's."""
    path = options.peers / "llama/bin" / program
    command = [path, "-m", gguf_model(options), "-t", options.threads, *arguments]
    if program == "llama-bench":
        finished = measuring.run([*command, "-fa", 1, "-o", "json"], options.threads)
        rates = json.loads(finished.output)[0]["samples_ts"]
    else:
        finished = measuring.run(
            [*command, "-tb", options.threads, "-fa", "on", "--output-format", "jsonl"], options.threads)
        lines = [line for line in finished.output.splitlines() if line.startswith("{")]
        rates = [json.loads(line)["speed_tg"] for line in lines]
    return Run(statistics.median(rates), finished.peak, finished.others)


def gguf_model(options):
    path = options.peers / "gpt2-124m-q8_0.gguf"
    if not path.exists():
        python, draft = options.peers / "python/bin/python", path.with_suffix(".draft")
        measuring.run([python, HERE / "gguf_model.py", draft], options.threads)
        draft.rename(path)
    return path


def measure(work, options):
    """One row for each peer: the medians, their ratio, and the lowest and highest ratio of a round."""
    mine, peer_runs = [], [[] for _ in work.peers]
    for count in range(options.rounds):
        mine.append(ours(work, options))
        said = [f"tinyrlhf {figure(mine[-1].rate)}"]
        for peer, runs in zip(work.peers, peer_runs):
            runs.append(theirs(peer, options))
            said.append(f"{peer.name} {figure(runs[-1].rate)}")
        others = max(runs[-1].others for runs in [mine, *peer_runs])
        if others > 0.03:
            said.append(f"while others kept {others:.0%} of the processors busy")
        print(f"{work.name} ({work.unit}), round {count + 1} of {options.rounds}: {', '.join(said)}",
              file=sys.stderr, flush=True)
    return [row(work, peer, mine, runs, options) for peer, runs in zip(work.peers, peer_runs)]


def row(work, peer, mine, runs, options):
    rate, peer_rate = (statistics.median(run.rate for run in each) for each in (mine, runs))
    peak, peer_peak = (statistics.median(run.peak for run in each) for each in (mine, runs))
    ratios = [a.rate / b.rate for a, b in zip(mine, runs)]
    digits = "{:.4g}".format
    return {
        "work": work.name, "peer": peer.name, "peer_version": peer.version, "unit": work.unit,
        "ours": digits(rate), "theirs": digits(peer_rate), "ratio": digits(rate / peer_rate),
        "ratio_low": digits(min(ratios)), "ratio_high": digits(max(ratios)), "wanted": peer.wanted,
        "ours_peak_bytes": int(peak), "peer_peak_bytes": int(peer_peak),
        "memory_ratio": digits(peak / peer_peak), "memory_wanted": peer.memory_wanted or "",
        "ours_fraction_of_limit": digits(statistics.median(run.fraction for run in mine)),
        "others_busy": digits(statistics.mean(run.others for run in mine + runs)),
        "rounds": options.rounds, "machine": measuring.machine(options.threads),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }


def against_wanted(row):
    memory = f", memory {float(row['memory_ratio']):.0%}"
    if row["memory_wanted"]:
        memory += f" (at most {float(row['memory_wanted']):.0%} wanted)"
    return f"{row['work']}: {row['ratio']} times {row['peer']} ({row['wanted']} wanted){memory}"


def markdown(rows):
    descriptions = {work.name: work.description for work in works()}
    lines = []
    for row in rows:
        if row["work"] in descriptions:
            low, high = (f"{float(row[name]):.2f}" for name in ["ratio_low", "ratio_high"])
            lines.append([
                descriptions[row["work"]], f"{row['peer']} ({row['peer_version']})",
                f"{figure(float(row['ours']))} {row['unit']}",
                f"{figure(float(row['theirs']))} {row['unit']}",
                f"**{float(row['ratio']):.2f}** ({low}–{high})", f"{float(row['memory_ratio']):.0%}",
                row["machine"]])
    return measuring.table(["work", "peer", "tinyrlhf", "peer's", "times as fast", "memory", "machine"], lines)


def main():
    names = [work.name for work in works()]
    parser = argparse.ArgumentParser(prog="Tools/bench", epilog="Works: " + ", ".join(names) + ".")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each work (5)")
    parser.add_argument("--only", default=",".join(names),
                        help="works, separated by commas; other rows stay, and those of other machines")
    parser.add_argument("--seconds", type=float, default=2, help="each run measures at least so long (2)")
    parser.add_argument("--threads", type=int, default=2, help="threads of everything (2)")
    parser.add_argument("--output", type=pathlib.Path, default=measuring.RESULTS / "bench.csv")
    parser.add_argument("--table", action="store_true", help="measure nothing, print the table of the output")
    parser.add_argument("--scaling", action="store_true", help="how our own cost grows; no peers")
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--peers", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    only = options.only.split(",")
    if options.rounds < 1 or not set(only) <= set(names):
        parser.error(f"--rounds from 1, --only of {', '.join(names)}")

    rows = measuring.read_rows(options.output)
    if not options.table:
        for work in works():
            if work.name in only:
                here = (work.name, measuring.machine(options.threads))
                rows = [row for row in rows if (row["work"], row["machine"]) != here] + measure(work, options)
                rows.sort(key=lambda row: names.index(row["work"]))
                # After each work, so that what was measured is kept if the rest is interrupted.
                measuring.write_rows(options.output, COLUMNS, rows)
    print(*(against_wanted(row) for row in rows), sep="\n", file=sys.stderr)
    print(markdown(rows))


main()
