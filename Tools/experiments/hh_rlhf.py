"""The small parts of Tools/experiments/hh-rlhf: splitting, clocks, intervals, and what answers look like.

    hh_rlhf.py split PROGRAM MODEL TRAIN.jsonl VALIDATION.jsonl OUTPUT
    hh_rlhf.py timed OUTPUT.json COMMAND…
    hh_rlhf.py best FOLDER PROGRAM RATE…
    hh_rlhf.py likelihood < LOGPROBS > SCORES
    hh_rlhf.py flatten < SAMPLES > PAIRS
    hh_rlhf.py choose PROGRAM MODEL SAMPLES SCORES N OUTPUT
    hh_rlhf.py tables OUTPUT RESULTS THREADS PROXY PEER GOLD

Scores are what `tinyrlhf score` prints for pairs.jsonl: chosen and rejected in turns.
"""

import collections
import hashlib
import itertools
import json
import math
import os
import pathlib
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))
from measuring import machine, write_rows  # noqa: E402

ANSWER = "\n\nAssistant:"
TURN = re.compile(r"\n\n(Human|Assistant):(.*?)(?=\n\nHuman:|\n\nAssistant:|\Z)", re.DOTALL)
TIMES = ["seconds", "cpu_seconds", "peak_bytes"]
ROLES = {"Human": "user", "Assistant": "assistant"}


def read(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def write(path, rows):
    with open(path, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def encode(program, model, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    output = subprocess.run([program, "tokenize", model], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line)["tokens"] for line in output.stdout.splitlines()]


def pair(row):
    """Prompt, chosen and rejected; None where the dialogues part before their last answer."""
    chosen, rejected = row["chosen"], row["rejected"]
    common = os.path.commonprefix([chosen, rejected])
    start = common.rfind(ANSWER)
    answers = [text[start + len(ANSWER):] for text in (chosen, rejected)]
    if start < 0 or any(mark in answer for answer in answers for mark in (ANSWER, "\n\nHuman:")):
        return None
    turns = [{"role": ROLES[role], "content": text.strip()} for role, text in TURN.findall(common[:start])]
    return turns, *(answer.strip() for answer in answers)


def split(program, model, train, validation, output, context=512, learnt=256):
    """Pairs that fit, in three parts that share no prompt: `validation`, and two halves of the others.

    Learnt from (.jsonl, .tokens.jsonl) are those of at most `learnt` tokens, which keeps the peer's padded batches
    small; measured on (.pairs.jsonl) are all.
    """
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    read_pairs = {name: [(row, *pair(row)) for row in read(path) if pair(row)]
                  for name, path in (("validation", validation), ("train", train))}
    held_out = {json.dumps(turns) for _, turns, _, _ in read_pairs["validation"]}
    parts = collections.defaultdict(list)
    for name, pairs in read_pairs.items():
        names = {"user": "Human", "assistant": "Assistant"}
        prompts = ["".join(f"\n\n{names[turn['role']]}: {turn['content']}" for turn in turns) + ANSWER
                   for _, turns, _, _ in pairs]
        answers = [" " + answer for _, _, *both in pairs for answer in both]
        prompts = encode(program, model, prompts)
        answers = encode(program, model, answers)
        for (row, turns, *both), prompt, *encoded in zip(pairs, prompts, answers[::2], answers[1::2]):
            if max(map(len, encoded)) + len(prompt) + 1 > context:
                continue
            key = json.dumps(turns)
            entry = row, turns, both, prompt, encoded
            if name == "validation":
                parts[name].append(entry)
            elif key not in held_out:
                parts["ab"[hashlib.sha256(key.encode()).digest()[0] & 1]].append(entry)
    parts["train"] = parts["a"] + parts["b"]
    for name, entries in parts.items():
        short = [entry for entry in entries if len(entry[3]) + max(map(len, entry[4])) < learnt]
        write(output / f"{name}.jsonl", (row for row, *_ in short))
        write(output / f"{name}.pairs.jsonl", (
            {"prompt": turns, "completion": answer} for _, turns, both, *_ in entries for answer in both))
        write(output / f"{name}.tokens.jsonl", (
            dict(zip(("chosen", "rejected"), (prompt + answer + [0] for answer in encoded)))
            for *_, prompt, encoded in short))
        # Short ones, each once; and what a person answered, in the form of `generate`.
        asked = {json.dumps(turns): (turns, both[0], encoded[0] + [0])
                 for _, turns, both, prompt, encoded in entries if len(prompt) <= learnt - 64}
        write(output / f"{name}.prompts.jsonl", ({"prompt": turns} for turns, _, _ in asked.values()))
        write(output / f"{name}.human.jsonl", (
            {"prompt": turns, "completion": text, "tokens": tokens} for turns, text, tokens in asked.values()))
        print(f"{name}: {len(entries)} pairs, {len(short)} to learn from, {len(asked)} prompts", file=sys.stderr)


def timed(result, *command):
    """Runs a command and writes what it took; `cpu_seconds` is what can be compared on a shared machine."""
    start = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")
    values = time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    pathlib.Path(result).write_text(json.dumps(dict(zip(TIMES, values))))


def margins(*paths):
    scores = [row["score"] for path in paths for row in read(path)]
    return [chosen - rejected for chosen, rejected in zip(scores[::2], scores[1::2])]


def wilson(successes, count, z=1.96):
    share, width = successes / count, z * z / count
    centre = (share + width / 2) / (1 + width)
    half = z * math.sqrt(share * (1 - share) / count + width / (4 * count)) / (1 + width)
    return centre - half, centre + half


def accuracy(path):
    """Share of pairs whose chosen answer scores higher, with Wilson's interval."""
    right = [margin > 0 for margin in margins(path)]
    low, high = wilson(sum(right), len(right))
    return {"pairs": len(right), "accuracy": sum(right) / len(right), "low": low, "high": high}


def shortness(pairs, scores):
    """As if the fewer characters were the better answer."""
    write(scores, ({"score": -len(row["completion"])} for row in read(pairs)))


def compare(first, second):
    """The difference of two models' accuracies on the same pairs, its bootstrap interval and McNemar's exact p."""
    differences = [(a > 0) - (b > 0) for a, b in zip(margins(*first), margins(*second), strict=True)]
    draw = random.Random(1)
    means = sorted(sum(draw.choices(differences, k=len(differences))) / len(differences) for _ in range(4000))
    alone = differences.count(1), differences.count(-1)
    count, least = sum(alone), min(alone)
    p = min(1, 2 * sum(math.comb(count, k) for k in range(least + 1)) / 2 ** count)
    return {"pairs": len(differences), "difference": sum(differences) / len(differences), "difference_low": means[100],
            "difference_high": means[3899], "only_first_right": alone[0], "only_second_right": alone[1],
            "mcnemar_p": p}


def best(folder, program, *rates):
    """The learning rate whose model is right most often about half b."""
    print(max(rates, key=lambda rate: accuracy(f"{folder}/{program}-a-{rate}.b.scores")["accuracy"]))


def four_grams(tokens):
    return [tuple(tokens[i:i + 4]) for i in range(len(tokens) - 3)]


def answers(path, *scores):
    """What shows collapse. All are cut to as many tokens as a model may write.

    repeated: of the 4-grams of an answer, those that stood in it before (mean of answers);
    distinct: of all 4-grams of all answers, the different ones; opening: the share of the commonest first four
    tokens; ended: answers that end by themselves.
    """
    rows = [row["tokens"][:96] for row in read(path)]
    texts = [[token for token in tokens if token != 0] for tokens in rows]
    grams = [four_grams(tokens) for tokens in texts]
    repeated = [1 - len(set(found)) / len(found) if found else 0 for found in grams]
    everything = [gram for found in grams for gram in found]
    openings = collections.Counter(tuple(tokens[:4]) for tokens in texts)
    result = {
        "answers": len(rows), "tokens": sum(map(len, rows)) / len(rows), "ended": sum(0 in r for r in rows) / len(rows),
        "repeated_4grams": sum(repeated) / len(rows), "repeating_answers": sum(r > 0.2 for r in repeated) / len(rows),
        "distinct_4grams": len(set(everything)) / max(1, len(everything)),
        "different_answers": len({tuple(tokens) for tokens in texts}) / len(rows),
        "commonest_opening": openings.most_common(1)[0][1] / len(rows)}
    for name, file in zip(("proxy", "gold"), scores):
        values = [row["score"] for row in read(file)]
        result[name] = sum(values) / len(values)
        deviation = math.sqrt(sum((v - result[name]) ** 2 for v in values) / (len(values) - 1))
        result[name + "_half_interval"] = 1.96 * deviation / math.sqrt(len(values))
    return result


def flatten(lines=sys.stdin):
    """From `tinyrlhf sample` to a line an answer, as `tinyrlhf score` reads it."""
    for line in lines:
        row = json.loads(line)
        for completion in row["completions"]:
            print(json.dumps({"prompt": row["prompt"], "completion": completion}))


def choose(program, model, samples, scores, n, output):
    """Of the first n answers to each prompt the one that scores highest, in the form of `generate`."""
    rows, scores = read(samples), iter([row["score"] for row in read(scores)])
    chosen = []
    for row in rows:
        best = max(list(zip(itertools.islice(scores, len(row["completions"])), row["completions"]))[:int(n)])[1]
        chosen.append({"prompt": row["prompt"], "completion": best})
    encoded = encode(program, model, [" " + row["completion"] for row in chosen])
    write(output, (row | {"tokens": tokens + [0]} for row, tokens in zip(chosen, encoded)))


def likelihood(lines=sys.stdin):
    """From `tinyrlhf logprobs` to scores: how likely an answer is to a model, a token."""
    for line in lines:
        row = json.loads(line)
        print(json.dumps({"score": row["sum"] / len(row["tokens"])}))


METRICS = ["episode", "objective/scores", "objective/kl", "objective/entropy", "response/length",
           "response/without_eos", "val/num_eos_tokens", "policy/approxkl_avg", "policy/clipfrac_avg"]


def tables(output, results, threads, proxy, peer, gold):
    """What was measured, as CSV."""
    output, results = pathlib.Path(output), pathlib.Path(results)
    where = {"machine": machine(threads)}
    rewards, told = output / "reward", output / "answers"
    rows = []
    for part in "b", "validation":
        shortness(output / f"data/{part}.pairs.jsonl", output / f"shortness.{part}.scores")
        rows += [{"program": name, "learnt_from": "", "learning_rate": "", "chosen": "", "held_out": part}
                 | accuracy(output / f"{name}.{part}.scores") | dict.fromkeys(TIMES) | where
                 for name in ("likelihood", "shortness")]
    for path in sorted(rewards.glob("*.scores")):
        name, part, _ = path.name.rsplit(".", 2)
        program, learnt, rate = name.split("-", 2)
        chosen = name in (proxy, peer, gold)
        rows.append({"program": {"ours": "tinyrlhf", "trl": "TRL 0.19.1"}[program], "learnt_from": learnt,
                     "learning_rate": rate, "chosen": int(chosen), "held_out": part} | accuracy(path)
                    | json.loads((rewards / f"{name}.json").read_text()) | where)
    write_rows(results / "hh-rlhf-reward.csv", list(rows[0]), rows)
    rows = [{"held_out": " and ".join(held_out), "first": proxy, "second": peer}
            | compare(*([rewards / f"{name}.{part}.scores" for part in held_out] for name in (proxy, peer))) | where
            for held_out in (["b"], ["validation"], ["b", "validation"])]
    write_rows(results / "hh-rlhf-paired.csv", list(rows[0]), rows)
    rows = [{"run": path.parent.name, "iteration": row["step"]} | {name: row[name] for name in METRICS} | where
            for path in sorted(output.glob("ppo-*/metrics.jsonl")) for row in read(path)]
    write_rows(results / "hh-rlhf-ppo.csv", list(rows[0]), rows)
    rows = [{"who": path.stem.split(",")[0], "how": path.stem.split(",")[1]}
            | answers(path, *(path.with_suffix(f".{half}.scores") for half in "ab")) | where
            for path in sorted(told.glob("*.jsonl"))]
    write_rows(results / "hh-rlhf-answers.csv", list(rows[0]), rows)


if __name__ == "__main__":
    commands = {command.__name__: command for command in (split, timed, likelihood, flatten, choose, best, tables)}
    commands[sys.argv[1]](*sys.argv[2:])
