import Testing

@testable import Interchange

@Suite("Which chat format a template writes")
struct TemplateFormatTests {
  private func format(_ template: String, end: String = "</s>") -> TemplateFormat? {
    TemplateFormat(template, begin: "<s>", end: end)
  }

  /// Qwen2.5's, without the text of its tools.
  private static let qwen = #"""
    {%- if tools %}
        {{- '<|im_start|>system\n' }}
        {%- if messages[0]['role'] == 'system' %}
            {{- messages[0]['content'] }}
        {%- else %}
            {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}
        {%- endif %}
        {{- "\n\n# Tools\n\n{\"name\": <function-name>, \"arguments\": {{}}}<|im_end|>\n" }}
    {%- else %}
        {%- if messages[0]['role'] == 'system' %}
            {{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
        {%- else %}
            {{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You\'re helpful.<|im_end|>\n' }}
        {%- endif %}
    {%- endif %}
    {%- for message in messages %}
        {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
            {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
        {%- elif message.role == "assistant" %}
            {{- '<|im_start|>' + message.role }}
            {%- if message.content %}
                {{- '\n' + message.content }}
            {%- endif %}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
        {{- '<|im_start|>assistant\n' }}
    {%- endif %}
    """#

  /// Qwen3's turns.
  private static let thinking = #"""
    {%- for message in messages %}
        {%- if message.content is string %}
            {%- set content = message.content %}
        {%- else %}
            {%- set content = '' %}
        {%- endif %}
        {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
            {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
        {%- elif message.role == "assistant" %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
            {{- '<|im_end|>\n' }}
        {%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}
        {{- '<|im_start|>assistant\n' }}
        {%- if enable_thinking is defined and enable_thinking is false %}
            {{- '<think>\n\n</think>\n\n' }}
        {%- endif %}
    {%- endif %}
    """#

  private static let smollm = #"""
    {% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
    You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
    ' }}{% endif %}{{'<|im_start|>' + message['role'] + '
    ' + message['content'] + '<|im_end|>' + '
    '}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
    ' }}{% endif %}
    """#

  private static let llama =
    #"{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"#

  /// TinyLlama's; a newline follows each turn, as trim_blocks leaves it.
  private static func zephyr(user: String, ask: String = "<|assistant|>") -> String {
    """
    {% for message in messages %}
    {% if message['role'] == 'user' %}
    {{ '<|user|>\\n' + message['content'] + \(user) }}
    {% elif message['role'] == 'system' %}
    {{ '<|system|>\\n' + message['content'] + eos_token }}
    {% elif message['role'] == 'assistant' %}
    {{ '<|assistant|>\\n'  + message['content'] + eos_token }}
    {% endif %}
    {% if loop.last and add_generation_prompt %}
    {{ '\(ask)' }}
    {% endif %}
    {% endfor %}
    """
  }

  @Test("templates of known models are known, with what their system says by itself")
  func known() {
    #expect(format(Self.qwen)?.name == "chatml")
    #expect(
      format(Self.qwen)?.standingSystem == "You are Qwen, created by Alibaba Cloud. You're helpful.")
    #expect(format(Self.thinking, end: "<|im_end|>")?.name == "chatml")
    #expect(format(Self.thinking)?.standingSystem == nil)
    #expect(format(Self.smollm)?.name == "chatml")
    #expect(
      format(Self.smollm)?.standingSystem
        == "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    #expect(format(Self.llama, end: "<|eot_id|>")?.name == "llama3")
    #expect(format(Self.zephyr(user: "eos_token"))?.name == "zephyr")
    #expect(format(Self.zephyr(user: "'</s>'"))?.name == "zephyr")
  }

  @Test(
    "templates that share tokens or words with a known one, and write something else, are unknown",
    arguments: [
      // Llama 2 and Mistral
      "{% for message in messages %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ ' ' + message['content'] + ' ' + eos_token }}{% endif %}{% endfor %}",
      // Alpaca
      "{% for message in messages %}{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + message['content'] + '\\n\\n' }}{% else %}{{ '### Response:\\n' + message['content'] + eos_token }}{% endif %}{% endfor %}",
      // Phi-3
      "{% for message in messages %}{% if message['role'] == 'user' %}{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}{% else %}{{'<|assistant|>\\n' + message['content'] + '<|end|>\\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}",
      // Tulu
      "{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|user|>\\n' + message['content'] + '\\n' }}{% else %}{{ '<|assistant|>\\n' + message['content'] + eos_token + '\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
      "{% for message in messages %}{% if message['role'] == 'user' %}{{ '### Human: ' + message['content'] }}{% else %}{{ '### Assistant: ' + message['content'] + eos_token }}{% endif %}{% endfor %}",
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + ': ' + message['content'] + '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}",
      "{% for message in messages %}{% set content = 'Say: ' + message.content %}{{ '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}",
      Self.zephyr(user: "'\\n'"), Self.zephyr(user: "eos_token", ask: "<|assistant|> "),
      // Llama 3.1: the system says today's date.
      "{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}{{- 'Today: ' + date_string + '<|eot_id|>' }}" + Self.llama,
      "{{ '<|im_start|>system\\n' }}{% if x %}{{ x }}{% endif %}{{ '<|im_end|>\\n' }}" + Self.smollm,
      "{% for message in messages %}{{ message['content'] }}{% endfor %}", "hello", "", "{{ 'never closed",
    ])
  func unknown(template: String) {
    #expect(format(template) == nil, "\(template)")
  }

  @Test("no template is slow to read", .timeLimit(.minutes(1)))
  func hostile() {
    for piece in ["{{", "{{''}}", "{%set content='a'%}", "  {% '", "\\"] {
      #expect(format(String(repeating: piece, count: (1 << 20) / piece.utf8.count)) == nil)
    }
  }
}
