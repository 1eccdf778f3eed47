#!/usr/bin/env python3
"""Dialogues, and what `transformers`' apply_chat_template makes of them: the text, and its tokens.

    /tmp/goldens/bin/pip install transformers==5.23.0 jinja2==3.1.6
    /tmp/goldens/bin/python Tools/goldens/make_chats.py

Writes Tests/InterchangeTests/Goldens/chats.json; the tokenizers are those of Goldens/tokenizers.

    versions    of transformers, tokenizers, jinja2
    templates   name → template, special_tokens (as tokenizer_config.json names them)
    dialogues   name → messages, and where they have them tools and chat_template_kwargs
    added       tokenizer → template → the list added_tokens of its tokenizer.json: with the template's special tokens
    rendered    template, dialogue, answers (add_generation_prompt), and either text and tokens (tokenizer → list), or
                error: true where the template raises

No dialogue has the name of a special token of its template in what somebody says: there the two programs differ.
"""
import json
import os
import pathlib

os.environ["HF_HUB_OFFLINE"] = "1"
import jinja2  # noqa: E402
import tokenizers  # noqa: E402
import transformers  # noqa: E402
from tokenizers import AddedToken, Tokenizer  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Tests/InterchangeTests/Goldens"
TOKENIZERS = ["qwen2", "llama3", "llama2"]

CHATML = """{{- bos_token }}
{%- if messages[0]['role'] != 'system' %}
    {{- '<|im_start|>system\\nYou are a helpful owl.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
INSTRUCTIONS = (
    "{% if messages[0]['role'] == 'system' %}{% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must go user, assistant, user, assistant, …') }}{% endif %}"
    "{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + message['content'].strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}")
HEADERS = """{{ bos_token }}
{%- for message in messages -%}
<|start_header_id|>{{ message.role }}<|end_header_id|>

{{ message.content | trim }}
{%- if message.tool_calls %}
{%- for call in message.tool_calls %}{{ '\\n' if message.content else '' }}{{ call.function | tojson }}{% endfor %}
{%- endif -%}
<|eot_id|>
{%- endfor -%}
{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

{% endif %}"""
REASONING = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- '# Tools\\n<tools>' }}
    {%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
    {{- '\\n</tools><|im_end|>\\n' }}
{%- endif %}
{%- set state = namespace(last=messages | length - 1, open=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages | length - 1) - loop.index0 %}
    {%- if state.open and message.role == 'user' %}{%- set state.open = false %}{%- set state.last = index %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == 'assistant' %}
        {%- set content = message.content or '' %}
        {%- set reasoning = message.reasoning_content or '' %}
        {%- if not reasoning and '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- '<|im_start|>assistant\\n' }}
        {%- if loop.index0 > state.last %}{{- '<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' }}{%- endif %}
        {{- content }}
        {%- for call in message.tool_calls or [] %}
            {{- ('\\n' if content or not loop.first else '') + '<tool_call>\\n{"name": "' + call.function.name }}
            {{- '", "arguments": ' }}{{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
    {%- elif not (tools and loop.first and message.role == 'system') %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' + ('<think>\\n\\n</think>\\n\\n' if enable_thinking is false else '<think>\\n') }}
{%- endif %}
"""
PARTS = """{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>
{% if message['content'] is string %}{{ message['content'] }}{% else %}
{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] | trim }}
{% endif %}
{% endfor %}
{% endif %}<|end|>
{% endfor %}
{% if add_generation_prompt %}<|assistant|>
{% endif %}"""
GENERATION = """{% for message in messages %}{% if message.role == 'assistant' %}
[assistant] {% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}

{% else %}
[{{ message.role | upper }}] {{ message.content }}

{% endif %}{% endfor %}
{% if add_generation_prompt %}[assistant] {% endif %}"""

TEMPLATES = {
    "chatml": (CHATML, {"bos_token": "<s>", "eos_token": "<|im_end|>"}, ["<|im_start|>"], ["<s>"]),
    "instructions": (INSTRUCTIONS, {"bos_token": "<s>", "eos_token": "</s>"}, [], ["[INST]", "[/INST]"]),
    "headers": (
        HEADERS, {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}, ["<|start_header_id|>", "<|end_header_id|>"],
        []),
    "reasoning": (
        REASONING, {"eos_token": "<|im_end|>"}, ["<|im_start|>"],
        ["<think>", "</think>", "<tool_call>", "</tool_call>"]),
    "parts": (
        PARTS, {"bos_token": "<s>", "eos_token": "<|end|>"}, ["<|user|>", "<|assistant|>", "<|system|>"], []),
    "generation": (GENERATION, {"eos_token": "</s>"}, [], []),
}
TOOL = {"type": "function", "function": {
    "name": "add", "description": "Adds <two> numbers & more.",
    "parameters": {"type": "object", "properties": {"a": {"type": "number", "default": 1.0}}, "required": ["a"]}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": {"a": 2, "b": "schöne \"3\""}}}


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


def parts(*texts):
    return [{"type": "text", "text": text} for text in texts]


DIALOGUES = {
    "question": {"messages": [turn("user", "What sat on the mat?")]},
    "system": {"messages": [turn("system", "Be kind to cats."), turn("user", "Hello")]},
    "answered": {"messages": [turn("user", "Hi"), turn("assistant", "The cat's here.")]},
    "several": {"messages": [
        turn("system", "Be brief."), turn("user", "1?"), turn("assistant", "12345"), turn("user", "2?"),
        turn("assistant", "67"), turn("user", "3?")]},
    "blanks": {"messages": [
        turn("system", " a \n"), turn("user", "\n\n  and then? \t"), turn("assistant", "  over \n\n"),
        turn("user", " "), turn("assistant", "")]},
    "unicode": {"messages": [
        turn("user", "Ångström, e\u0301, 日本語の文章, 👩‍👩‍👧!"), turn("assistant", "ﬁn\u00a0\u200b½ ₂ \u1100\u1161")]},
    "thinking": {"messages": [
        turn("user", "2 + 2?"), turn("assistant", "4", reasoning_content="Easy.\n"), turn("user", "3 + 3?"),
        turn("assistant", "6", reasoning_content="\nAs easy.")]},
    "thinking in the text": {"messages": [
        turn("user", "2?"), turn("assistant", "<think>\nSo.\n</think>\n\n4"), turn("user", "3?")],
        "chat_template_kwargs": {"enable_thinking": False}},
    "parts": {"messages": [
        turn("user", parts("the cat", " sat ")), turn("assistant", parts("yes")), turn("user", "and?")]},
    "tools": {"messages": [turn("system", "Add."), turn("user", "2 + 3?")], "tools": [TOOL]},
    "called": {"messages": [
        turn("user", "2 + 3?"), turn("assistant", "", tool_calls=[CALL]), turn("tool", "5", tool_call_id="c1"),
        turn("assistant", "It is 5.")], "tools": [TOOL]},
    "calls": {"messages": [
        turn("user", "2 + 3?"), turn("assistant", "So:", tool_calls=[CALL, CALL], reasoning_content="Two.")],
        "tools": [TOOL]},
}


def with_tokens(kind, template):
    """A tokenizer with the template's tokens, and its own settings."""
    _, settings, special, added = TEMPLATES[template]
    tokenizer = Tokenizer.from_str(json.dumps(json.loads((FOLDER / f"tokenizers/{kind}.json").read_text())["tokenizer"]))
    for name in [*settings.values(), *special]:
        tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False)])
    for name in added:
        if tokenizer.token_to_id(name) is None:
            tokenizer.add_tokens([AddedToken(name, special=False, normalized=False)])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **settings)
    fast.chat_template = TEMPLATES[template][0]
    return fast


def added_tokens(fast):
    return json.loads(fast.backend_tokenizer.to_str())["added_tokens"]


def outcome(fasts, dialogue, answers):
    arguments = {"tools": dialogue.get("tools"), "add_generation_prompt": answers, **dialogue.get("chat_template_kwargs", {})}

    def apply(fast, **more):
        return fast.apply_chat_template(dialogue["messages"], **arguments, **more)
    try:
        text = apply(fasts[TOKENIZERS[0]], tokenize=False)
    except (jinja2.TemplateError, TypeError):
        return {"error": True}
    return {"text": text, "tokens": {kind: apply(fast, return_dict=False) for kind, fast in fasts.items()}}


def main():
    rendered, added = [], {kind: {} for kind in TOKENIZERS}
    for template in TEMPLATES:
        fasts = {kind: with_tokens(kind, template) for kind in TOKENIZERS}
        for kind, fast in fasts.items():
            added[kind][template] = added_tokens(fast)
        for name, dialogue in DIALOGUES.items():
            for answers in [False, True]:
                rendered.append({"template": template, "dialogue": name, "answers": answers,
                                 **outcome(fasts, dialogue, answers)})
    golden = {
        "versions": {module.__name__: module.__version__ for module in [transformers, tokenizers, jinja2]},
        "templates": {name: {"template": entry[0], "special_tokens": entry[1]} for name, entry in TEMPLATES.items()},
        "dialogues": DIALOGUES, "added": added, "rendered": rendered}
    path = FOLDER / "chats.json"
    path.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")
    print(f"{path}: {path.stat().st_size} bytes, {len(rendered)} renderings, {sum('error' in r for r in rendered)} errors")


if __name__ == "__main__":
    main()
