"""Exports models and asks transformers and llama.cpp what they make of them: see Tools/check-interchange.

    interchange.py TINYRLHF GREEDY MODEL…

TINYRLHF and GREEDY are programs (Tools/peers/greedy.cpp). A MODEL is a folder in Hugging Face's form, which is
imported first, or a checkpoint. One line a check; ends with 1 if any failed.

Logits of transformers: |theirs - theirs on the original folder|, or, for a checkpoint, log-probabilities against
`tinyrlhf logprobs`. llama.cpp: tokens of a text, and greedy continuations of up to 24 tokens against transformers'; where
the two best logits of a step are closer than the two programs' arithmetic is, the comparison ends with that step.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers

transformers.logging.set_verbosity_error()
program, greedy, models = sys.argv[1], sys.argv[2], sys.argv[3:]
COUNT = 24
TEXTS = ["the cat sat", "They're 12,  go!", "bake bread?"]
failures = 0


def tinyrlhf(*arguments, lines=None):
    text = "".join(json.dumps(line) + "\n" for line in lines) if lines else ""
    result = subprocess.run([program, *map(str, arguments)], input=text, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{arguments[0]}: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def check(name, what, passed, figure):
    global failures
    failures += not passed
    print(f"{'passed' if passed else 'FAILED'}  {name}: {what}: {figure}", flush=True)


def load(folder, auto=transformers.AutoModelForCausalLM):
    return auto.from_pretrained(folder, torch_dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def logits(model, tokens):
    return model(torch.tensor([tokens])).logits[0]


def relative(a, b):
    return float((a - b).abs().max() / b.abs().max())


def llama(file, prompts, count):
    lines = "".join(f"{'text ' + p if isinstance(p, str) else 'tokens ' + ' '.join(map(str, p))}\n" for p in prompts)
    result = subprocess.run([greedy, file, str(count)], input=lines, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"llama.cpp: {result.stderr.strip()}")
    return [json.loads(line) for line in result.stdout.splitlines()]


def compare_greedy(model, prompt, theirs, margin):
    """The first step at which llama.cpp takes another token although the best is ahead by more than `margin`."""
    tokens = list(prompt)
    for step, token in enumerate(theirs):
        best = logits(model, tokens)[-1].topk(2)
        if best.values[0] - best.values[1] <= margin:
            return None, step
        if int(best.indices[0]) != token:
            return step, step
        tokens.append(token)
    return None, len(theirs)


def language_model(name, checkpoint, original, folder, work):
    model = load(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    prompts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    inputs = tokenizer(TEXTS[0], add_special_tokens=False, return_tensors="pt")
    made = model.generate(**inputs, do_sample=False, min_new_tokens=4, max_new_tokens=4)
    check(name, "transformers generates", made.shape[1] == inputs["input_ids"].shape[1] + 4, list(made.shape))
    ours = tinyrlhf("tokenize", checkpoint, lines=[{"text": text} for text in TEXTS])
    check(name, "tokens of the exported tokenizer", [line["tokens"] for line in ours] == prompts, len(TEXTS))
    if original:
        worst = max(relative(logits(model, tokens), logits(load(original), tokens)) for tokens in prompts)
        check(name, "logits of the export, transformers", worst < 1e-6, worst)
    lines = [{"prompt_tokens": tokens[:1], "completion_tokens": tokens[1:]} for tokens in prompts]
    worst = 0
    for tokens, line in zip(prompts, tinyrlhf("logprobs", checkpoint, lines=lines)):
        theirs = logits(model, tokens).log_softmax(-1)[:-1].gather(1, torch.tensor(tokens[1:])[:, None])[:, 0]
        worst = max(worst, float((theirs - torch.tensor(line["logprobs"])).abs().max()))
    check(name, "log-probabilities, ours and transformers'", worst < 1e-3, worst)
    # Beyond its last position llama.cpp ends with an assertion.
    context = getattr(model.config, "max_position_embeddings")
    count = min(COUNT, context - max(map(len, prompts)))
    for precision, tolerance in (("float32", 1e-3), ("float16", 5e-3), ("q8_0", 1e-1)):
        file = work / f"{precision}.gguf"
        try:
            tinyrlhf("export", checkpoint, "-o", file, "--format", "gguf", "--dtype", precision)
        except RuntimeError as error:
            check(name, f"GGUF {precision}: refused", "llama.cpp" in str(error), error)
            continue
        found = llama(file, TEXTS + prompts, count)
        check(name, f"GGUF {precision}: tokens", [line["tokens"] for line in found[:3]] == prompts, len(prompts))
        worst, wrong, steps = 0, None, 0
        for tokens, line in zip(prompts, found[3:]):
            expected = logits(model, tokens)[-1]
            worst = max(worst, relative(torch.tensor(line["logits"]), expected))
            margin = 2 * float(expected.abs().max()) * worst
            step, compared = compare_greedy(model, tokens, line["greedy"], margin)
            steps += compared
            wrong = wrong if step is None else step
        check(name, f"GGUF {precision}: logits, llama.cpp and transformers", worst < tolerance, worst)
        check(name, f"GGUF {precision}: greedy tokens equal", wrong is None, f"{steps} of {3 * count} compared")


def reward_model(name, original, folder):
    classifier = transformers.AutoModelForSequenceClassification
    tokens = list(range(5, 19))
    worst = relative(logits(load(folder, classifier), tokens), logits(load(original, classifier), tokens))
    check(name, "score of the export, transformers", worst < 1e-6, worst)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if tokenizer.pad_token is None:
        return check(name, "scores of a batch, transformers", False, "no token fills a batch")
    texts = [text + tokenizer.eos_token for text in TEXTS]
    model = load(folder, classifier)
    with torch.no_grad():
        batch = model(**tokenizer(texts, return_tensors="pt", padding=True)).logits
        alone = torch.cat([model(**tokenizer(text, return_tensors="pt")).logits for text in texts])
    worst = relative(batch, alone)
    check(name, "scores of a batch, transformers", worst < 1e-5, worst)


for path in models:
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        original = path if pathlib.Path(path, "config.json").exists() else None
        checkpoint, name = path, pathlib.Path(path).name
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
        except RuntimeError as error:
            check(name, "export", False, error)
sys.exit(failures > 0)
