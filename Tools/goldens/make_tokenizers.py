"""Writes Tests/InterchangeTests/Goldens/tokenizers/KIND.json: tiny vocabularies of each kind, and what `tokenizers` makes of text.

    /tmp/goldens/bin/pip install tokenizers==0.21.4 transformers==4.53.3 jinja2
    /tmp/goldens/bin/python Tools/goldens/make_tokenizers.py

Schema:
  made_with   {"tokenizers"}
  tokenizer      a tokenizer.json
  configuration  a tokenizer_config.json
  cases          [{"text", "tokens", "decoded"}]
  dialogues      [{"messages", "answered": what `apply_chat_template` gives, "asked": with `add_generation_prompt`}]

Tokens of cases are those of `encode` without special tokens, and with `encode_special_tokens`: their names are text.
`decoded` is there where it is not the text.
"""

import json
import pathlib
import random

import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/InterchangeTests/Goldens/tokenizers"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
CORPUS = [
    "The cat sat on the mat; the dog sat on the cat's mat. They're here, we've seen them, I'll say.",
    "In 1953 there were 12345 people, 67 cats and 8 dogs.\n\nIn 2024 there were 99999.\n",
    "def f(x):\n    return x + 1\n\n\nfor i in range(10):\n\tprint(f(i))\n",
    "Ein schöner Tag für Äpfel und Öl; naïve café, résumé, Ångström.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. 日本語の文章です。안녕하세요 세계",
    "the the the then there them that this those these and and an a at as all are",
] * 4
NEAR = (" \t\n\r  \u00a0\u0085\u2028\u3000'sSſtTrReEvVlLdDmM019½²Ⅷ٣一あ가ᄀ각é\u0301\u0323ﬁßΩ\u212b!?.,;:-/()<>|€…—▁😀"
        "\u200d\ufe0f\u0000\u007f\u200bकि")


def corpus_bpe(pre_tokenizer, normalizer=None, size=420):
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def byte_level(use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level()])


def special(*names):
    return [AddedToken(name, special=True, normalized=False) for name in names]


def gpt2():
    tokenizer = corpus_bpe(byte_level(True))
    tokenizer.add_special_tokens(special("<|endoftext|>"))
    return tokenizer


def llama3():
    tokenizer = corpus_bpe(split(LLAMA3))
    # A word that merges do not reach, as whole pieces are looked up first.
    state = json.loads(tokenizer.to_str())
    state["model"]["ignore_merges"] = True
    for word in ["Ġsentence", "zzz", "Ġ12"]:
        state["model"]["vocab"][word] = len(state["model"]["vocab"])
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_special_tokens(special(
        "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"))
    return tokenizer


def qwen2():
    tokenizer = corpus_bpe(split(QWEN2), normalizers.NFC())
    tokenizer.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    return tokenizer


def smollm():
    tokenizer = corpus_bpe(pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), byte_level(True)]))
    tokenizer.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    return tokenizer


def neox():
    tokenizer = corpus_bpe(byte_level(True), normalizers.NFC())
    tokenizer.add_special_tokens(special("<|endoftext|>", "<|padding|>"))
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    return tokenizer


def added():
    """Every way in which an added token can be found."""
    tokenizer = corpus_bpe(byte_level(True), normalizers.NFC())
    tokenizer.add_special_tokens(special("<|endoftext|>", "<cat sat>"))
    tokenizer.add_tokens([
        AddedToken("cat", normalized=False, single_word=True), AddedToken("dog", normalized=True, lstrip=True),
        AddedToken("mat", normalized=False, rstrip=True), AddedToken("the", normalized=True, single_word=True),
        AddedToken("there", normalized=False, lstrip=True, rstrip=True, single_word=True),
        AddedToken("e\u0301", normalized=True), AddedToken("  ", normalized=False), AddedToken("<c", normalized=False)])
    return tokenizer


def sentence_piece(normalizer, pre_tokenizer, decoder, crossing=False, fallback=True, fuse=True):
    """Llama 2's form; `crossing` has tokens with a space inside, which Llama has not."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    if not crossing:
        trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    lines = [line for text in CORPUS for line in text.split("\n")]
    trained.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=300, show_progress=False))
    state = json.loads(trained.to_str())["model"]
    names = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if fallback else [])
    order = sorted(state["vocab"], key=state["vocab"].get)
    # Some characters are unknown, and some pieces are those of a special token.
    left_out = set("жщäö日語")
    order = [t for t in order if not left_out & set(t)] + ["</", "s", ">", "s>"]
    vocab = {t: i for i, t in enumerate(dict.fromkeys(names + order))}
    merges = [tuple(m) for m in state["merges"] if m[0] in vocab and m[1] in vocab and m[0] + m[1] in vocab]
    merges += [("s", ">")]
    tokenizer = Tokenizer(models.BPE(
        vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=fuse, byte_fallback=fallback))
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    tokenizer.add_special_tokens(special("<unk>", "<s>", "</s>"))
    return tokenizer


def parts(strips=True):
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strips else []))


def prepend():
    return normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])


def metaspace(scheme):
    return pre_tokenizers.Metaspace("▁", scheme, split=False)


def llama2_added():
    tokenizer = sentence_piece(prepend(), None, parts())
    tokenizer.add_tokens([AddedToken("cat", normalized=False), AddedToken("dog", normalized=True)])
    return tokenizer


def first_added():
    tokenizer = sentence_piece(None, metaspace("first"), parts())
    tokenizer.add_tokens([AddedToken("cat", normalized=False)])
    return tokenizer


# Templates as the models have them, without their tools.
CHATML = (
    "{%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
    "{%- else %}{{- '<|im_start|>system\\nYou are a helpful cat.<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}"
    "{%- if message.role == 'user' or message.role == 'assistant' or (message.role == 'system' and not loop.first) %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}")
LLAMA3_CHAT = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim"
    " + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
ZEPHYR = (
    "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}"
    "\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}"
    "\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}"
    "\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}")
HH = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '\n\nHuman: ' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{{ '\n\nAssistant: ' + message['content'] }}"
    "{% if loop.last %}{{ eos_token }}{% endif %}{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n\nAssistant:' }}{% endif %}")
CHATS = {
    "gpt2": (HH, "<|endoftext|>", "<|endoftext|>"), "llama3": (LLAMA3_CHAT, "<|begin_of_text|>", "<|eot_id|>"),
    "qwen2": (CHATML, None, "<|im_end|>"), "llama2": (ZEPHYR, "<s>", "</s>"), "llama2-first": (ZEPHYR, "<s>", "</s>"),
    "llama2-always": (ZEPHYR, "<s>", "</s>"),
}
# Three dialogues, each a question and an answer longer than the one before.
SYSTEM = {"role": "system", "content": "Be kind to cats."}
QUESTIONS = ["Hello", "In 1953, what sat on the mat?\n\nSay it.", "  and then? "]
ANSWERS = ["The cat.", "They're 12345 cats;\nÄpfel!", "über alles"]


def dialogues(tokenizer, name):
    """What a chat template gives; white space at the end of a template is no part of the dialogue."""
    if name not in CHATS:
        return {}, []
    template, begin, end = CHATS[name]
    configuration = {"chat_template": template, "eos_token": end}
    if begin:
        configuration["bos_token"] = begin
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **configuration)
    found = []
    for system in [[], [SYSTEM]]:
        turns = []
        for question, answer in zip(QUESTIONS, ANSWERS):
            if name == "llama3":
                question = question.strip()
            turns.append({"role": "user", "content": question})
            asked = fast.apply_chat_template(system + turns, add_generation_prompt=True)
            turns.append({"role": "assistant", "content": answer})
            answered = fast.apply_chat_template(system + turns)
            ends = [i for i, t in enumerate(answered) if t == fast.eos_token_id]
            found.append({"messages": system + list(turns), "asked": asked, "answered": answered[:ends[-1] + 1]})
    return configuration, found


KINDS = [
    ("gpt2", gpt2), ("llama3", llama3), ("qwen2", qwen2), ("smollm", smollm), ("neox", neox), ("added", added),
    ("llama2", lambda: sentence_piece(prepend(), None, parts())),
    ("llama2-added", llama2_added),
    ("llama2-first", first_added),
    ("llama2-always", lambda: sentence_piece(None, metaspace("always"), decoders.Sequence([
        decoders.ByteFallback(), decoders.Metaspace("▁", "always", False)]))),
    ("llama2-never", lambda: sentence_piece(None, metaspace("never"), parts(False))),
    ("llama2-crossing", lambda: sentence_piece(prepend(), None, parts(), crossing=True)),
    ("characters", lambda: sentence_piece(prepend(), None, parts(), fallback=False)),
    ("characters-apart", lambda: sentence_piece(prepend(), None, parts(), fallback=False, fuse=False)),
]


def texts(chance):
    yield from ["", " ", "  ", "   ", "\n", "\n\n", " \n ", "\t", "a", " a", "a ", "▁", " ▁a", "'", "'s", "'S", "'ſ", "ſ"]
    yield from CORPUS[:6]
    yield from ["the cat sat", "cats cat dogdog  dog mat  mat there the", "<cat sat> <c <|endoftext|> </s> <s>",
                "x  cat  y", "cafe\u0301 cafe\u0301", "e\u0323\u0301 \u0301", "a" * 60 + "b" * 60, "12345 ²³ 1²",
                "hello<|im_start|>user\nhi<|im_end|>", "жщ ж日щ aж"]
    for _ in range(60):
        letters = [chance.choice(NEAR) for _ in range(chance.choice([3, 10, 30]))]
        if chance.random() < 0.4:
            letters += [chr(chance.choice([chance.randrange(0x300), chance.randrange(0x3000), chance.randrange(0xD800),
                                           chance.randrange(0xE000, 0x110000)])) for _ in range(6)]
        yield "".join(letters)


def main():
    OUT.mkdir(exist_ok=True)
    for name, make in KINDS:
        tokenizer = make()
        tokenizer.encode_special_tokens = True
        cases = []
        for text in texts(random.Random(7)):
            tokens = tokenizer.encode(text, add_special_tokens=False).ids
            case = {"text": text, "tokens": tokens}
            decoded = tokenizer.decode(tokens)
            if decoded != text:
                case["decoded"] = decoded
            cases.append(case)
        tokenizer.encode_special_tokens = False
        configuration, chats = dialogues(tokenizer, name)
        made_with = {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__}
        golden = {"made_with": made_with, "tokenizer": json.loads(tokenizer.to_str()), "configuration": configuration,
                  "cases": cases, "dialogues": chats}
        path = OUT / f"{name}.json"
        path.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
        print(f"{path}: {path.stat().st_size} bytes, {tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
