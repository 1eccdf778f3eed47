"""Exports models and asks transformers and llama.cpp what they make of them: see Tools/check-interchange.

    interchange.py --program TINYRLHF --greedy GREEDY --llama VERSION [--csv FILE] [MODEL…]

GREEDY is built from Tools/peers/greedy.cpp with llama.cpp of that VERSION. A MODEL is a folder in Hugging Face's form,
which is imported first, a checkpoint, or the name of a model of made_models.py. Without any: all of these, and the
goldens of Tests/InterchangeTests. One line a check; ends with 1 if any failed.

Logits of transformers: |theirs - theirs on the original folder|, or, for a checkpoint, log-probabilities against
`tinyrlhf logprobs`. llama.cpp: tokens of texts, and greedy continuations of up to 72 tokens, as far as the context
allows. A continuation is compared with transformers' up to the step whose two best logits are within 1e-3; in float16
and Q8_0, within twice the largest difference of logits. llama.cpp's log-probabilities of the prompts and these
continuations are compared too. Its differences are relative to the largest logit.
"""
import argparse
import csv
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import gguf  # noqa: E402
import made_models  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
COLUMNS = ["machine", "versions", "model", "what", "compared", "equal", "largest difference", "verdict"]
COUNT, CLOSE = 72, 1e-3
TOLERANCES = {"float32": 1e-5, "float16": 5e-3, "q8_0": 1e-1}
# Their GELU is looked up in a table of float16 numbers by llama.cpp.
GELU, GELU_TOLERANCE = {"gpt2", "gptneox", "gemma2", "gemma3"}, 1e-3
TEXTS = ["the cat sat", "They're 12,  go!", "bake bread?"]
rows = []


def tinyrlhf(*arguments, lines=None):
    text = "".join(json.dumps(line) + "\n" for line in lines) if lines else ""
    result = subprocess.run([options.program, *map(str, arguments)], input=text, capture_output=True, text=True)
    if result.returncode:
        # Without the paths of the temporary folder.
        raise RuntimeError(result.stderr.strip().split(": ", 2)[-1])
    return [json.loads(line) for line in result.stdout.splitlines()]


def record(name, what, compared, equal, verdict, difference="", passed=True):
    rows.append((passed, [name, what, compared, equal, difference, verdict]))
    shown = f"{equal} of {compared}" + (f", largest difference {difference}" if difference else "")
    print(f"{'passed' if passed else 'FAILED'}  {name}: {what}: {shown}: {verdict}", flush=True)


def check(name, what, ours, theirs):
    """Lists that must be equal."""
    equal = sum(a == b for a, b in zip(ours, theirs))
    passed = equal == len(ours) == len(theirs)
    record(name, what, len(theirs), equal, "equal" if passed else "different", passed=passed)


def check_close(name, what, differences, tolerance):
    equal = sum(difference < tolerance for difference in differences)
    passed = equal == len(differences)
    verdict = f"{'within' if passed else 'not within'} {tolerance:g}"
    record(name, what, len(differences), equal, verdict, f"{max(differences):.1e}", passed)


def load(folder, auto=transformers.AutoModelForCausalLM):
    return auto.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def logits(model, tokens):
    return model(torch.tensor([tokens])).logits[0]


def relative(a, b):
    return float((a - b).abs().max() / b.abs().max())


def log_probabilities(values, tokens):
    """Of all tokens but the first, from the logits at each token."""
    return values.log_softmax(-1)[:-1].gather(1, torch.tensor(tokens[1:])[:, None])[:, 0]


def llama(file, lines, count=0):
    text = "".join(f"{kind} {content}\n" for kind, content in lines)
    result = subprocess.run([options.greedy, file, str(count)], input=text, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"llama.cpp: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def ids(kind, sequences):
    return [(kind, " ".join(map(str, tokens))) for tokens in sequences]


def compare_greedy(values, theirs, margin):
    """How many steps were compared, and how many were equal. At a step with two best logits within `margin`, or with
    another token, the comparison ends."""
    best = values.topk(2)
    for step, token in enumerate(theirs):
        if best.values[step, 0] - best.values[step, 1] <= margin:
            return step, step
        if int(best.indices[step, 0]) != token:
            return step + 1, step
    return len(theirs), len(theirs)


def has_q8_0(file):
    return any(tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0 for tensor in gguf.GGUFReader(file).tensors)


def compare_llama(name, file, precision, model, prompts):
    architecture = gguf.GGUFReader(file).fields["general.architecture"].contents()
    label = f"GGUF {architecture} {precision}"
    tolerance = max(TOLERANCES[precision], GELU_TOLERANCE if architecture in GELU else 0)
    # Beyond its last position llama.cpp ends with an assertion.
    count = min(COUNT, model.config.max_position_embeddings - max(map(len, prompts)))
    found = llama(file, [("text", text) for text in TEXTS] + ids("tokens", prompts), count)
    check(name, f"{label}: tokens", [line["tokens"] for line in found[:len(TEXTS)]], prompts)
    found = found[len(TEXTS):]
    sequences = [tokens + line["greedy"] for tokens, line in zip(prompts, found)]
    expected = [logits(model, tokens) for tokens in sequences]
    differences = [relative(torch.tensor(line["logits"]), values[len(tokens) - 1])
                   for tokens, line, values in zip(prompts, found, expected)]
    check_close(name, f"{label}: logits", differences, tolerance)
    logprob_differences = []
    for tokens, line, values in zip(sequences, llama(file, ids("logprobs", sequences)), expected):
        difference = torch.tensor(line["logprobs"]) - log_probabilities(values, tokens)
        logprob_differences += (difference.abs() / values.abs().max()).tolist()
    check_close(name, f"{label}: log-probabilities", logprob_differences, tolerance)
    compared = equal = 0
    for tokens, line, values in zip(prompts, found, expected):
        margin = CLOSE if precision == "float32" else 2 * float(values.abs().max()) * max(differences)
        steps = compare_greedy(values[len(tokens) - 1:], line["greedy"], margin)
        compared, equal = compared + steps[0], equal + steps[1]
    possible = count * len(prompts)
    verdict = "different" if equal < compared else "equal" if compared == possible else "equal up to close logits"
    passed = equal == compared and (compared > 0 or precision != "float32")
    record(name, f"{label}: {possible} greedy tokens", compared, equal, verdict, passed=passed)
    return architecture


def language_model(name, checkpoint, original, folder, work):
    model = load(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    prompts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    inputs = tokenizer(TEXTS[0], add_special_tokens=False, return_tensors="pt")
    made = model.generate(**inputs, do_sample=False, min_new_tokens=4, max_new_tokens=4)
    check(name, "transformers generates", [made.shape[1]], [inputs["input_ids"].shape[1] + 4])
    ours = tinyrlhf("tokenize", checkpoint, lines=[{"text": text} for text in TEXTS])
    check(name, "tokens of the exported tokenizer", [line["tokens"] for line in ours], prompts)
    if original:
        theirs = load(original)
        differences = [relative(logits(model, tokens), logits(theirs, tokens)) for tokens in prompts]
        check_close(name, "logits of the export, transformers", differences, 1e-6)
    lines = [{"prompt_tokens": tokens[:1], "completion_tokens": tokens[1:]} for tokens in prompts]
    differences = []
    for tokens, line in zip(prompts, tinyrlhf("logprobs", checkpoint, lines=lines)):
        theirs = log_probabilities(logits(model, tokens), tokens)
        differences += (theirs - torch.tensor(line["logprobs"])).abs().tolist()
    check_close(name, "log-probabilities, ours and transformers'", differences, 1e-3)
    wanted = made_models.MODELS[name][2] if name in made_models.MODELS else None
    for precision in TOLERANCES:
        file = work / precision / "model.gguf"
        file.parent.mkdir()  # a Modelfile is written beside it
        try:
            tinyrlhf("export", checkpoint, "-o", file, "--format", "gguf", "--dtype", precision)
        except RuntimeError as error:
            # What llama.cpp does not compute does not depend on the precision.
            passed = "llama.cpp" in str(error) and precision == "float32" and wanted is None
            return record(name, "GGUF", 0, 0, f"refused: {error}", passed=passed)
        if precision == "q8_0" and not has_q8_0(file):
            continue  # rows that no block divides: the file is the one in float16
        architecture = compare_llama(name, file, precision, model, prompts)
    if wanted is not None:
        check(name, "GGUF's architecture", [architecture], [wanted])


def reward_model(name, original, folder):
    classifier = transformers.AutoModelForSequenceClassification
    tokens = list(range(5, 19))
    worst = relative(logits(load(folder, classifier), tokens), logits(load(original, classifier), tokens))
    check_close(name, "score of the export, transformers", [worst], 1e-6)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if tokenizer.pad_token is None:
        return record(name, "scores of a batch, transformers", 0, 0, "no token fills a batch", passed=False)
    texts = [text + tokenizer.eos_token for text in TEXTS]
    model = load(folder, classifier)
    with torch.no_grad():
        batch = model(**tokenizer(texts, return_tensors="pt", padding=True)).logits
        alone = torch.cat([model(**tokenizer(text, return_tensors="pt")).logits for text in texts])
    check_close(name, "scores of a batch, transformers", [relative(batch, alone)], 1e-5)


def compare(path, name, work):
    original = path if pathlib.Path(path, "config.json").exists() else None
    checkpoint = path
    try:
        if original:
            checkpoint = work / "model.trlhf"
            tinyrlhf("import", path, "-o", checkpoint)
        tinyrlhf("export", checkpoint, "-o", work / "folder")
        classes = json.load(open(work / "folder/config.json"))["architectures"][0]
        if classes.endswith("SequenceClassification"):
            reward_model(name, original, work / "folder")
        else:
            language_model(name, checkpoint, original, work / "folder", work)
    except Exception as error:  # transformers raises many kinds for a folder that it refuses
        record(name, "export", 0, 0, f"failed: {' '.join(str(error).split())}", passed=False)


def write(path):
    """Replaces the lines of the models that were run."""
    machine = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
                   os.uname().machine)
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("transformers", "torch")] + [options.llama]
    run = {row[0] for _, row in rows}
    kept = [row for row in csv.reader(path.open(newline="")) if row[2] not in run | {"model"}] if path.exists() else []
    made = [[f"{machine}, {os.cpu_count()} threads", ", ".join(versions), *row] for _, row in rows]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted(kept + made, key=lambda row: row[2]))


parser = argparse.ArgumentParser()
for argument in ("--program", "--greedy", "--llama"):
    parser.add_argument(argument, required=True)
parser.add_argument("--csv", type=pathlib.Path)
parser.add_argument("models", nargs="*")
options = parser.parse_args()
goldens = sorted(path.parent for path in made_models.TOKENIZER.parent.glob("*/tokenizer.json"))
for model in options.models or [*goldens, *made_models.MODELS]:
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if model in made_models.MODELS:
            made_models.make(model, folder / "made")
            compare(folder / "made", model, folder)
        else:
            compare(model, pathlib.Path(model).name, folder)
if options.csv:
    write(options.csv)
sys.exit(not all(passed for passed, _ in rows))
