extension ChatFormat {
  /// The formats that `--chat-format` accepts, for models without a template:
  ///
  ///     chatml    <|im_start|>user⏎…<|im_end|>⏎
  ///     llama3    <|start_header_id|>user<|end_header_id|>⏎⏎…<|eot_id|>
  ///     zephyr    <|user|>⏎…</s>⏎                       (</s>: the token that ends texts)
  ///     hh-rlhf   ⏎⏎Human: …⏎⏎Assistant: …              with the token that ends texts at the end
  ///     plain     the texts of the messages alone       with the token that ends texts at the end
  public static let names = named.map(\.name)

  /// The template of a named format; nil for another name.
  public static func template(named name: String) -> String? { named.first { $0.name == name }?.template }

  /// The special tokens that a named format needs.
  public static func requiredTokens(ofFormat name: String) -> [String] {
    named.first { $0.name == name }?.tokens ?? []
  }

  /// The template of tinyrlhf's own format, for other programs.
  public static let exportedTemplate = """
    {%- for message in messages %}
    {{- '<|' + message['role'] + '|>' + message['content'] }}
    {%- if message['role'] == 'assistant' %}{{- '<|end|>' }}{%- endif %}
    {%- endfor %}
    {%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}
    """

  private static let named: [(name: String, tokens: [String], template: String)] = [
    (
      "chatml", ["<|im_start|>", "<|im_end|>"],
      """
      {%- for message in messages %}
      {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
      """
    ),
    (
      "llama3", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
      """
      {{- bos_token }}
      {%- for message in messages %}
      {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] + '<|eot_id|>' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
      """
    ),
    (
      "zephyr", [],
      """
      {%- for message in messages %}
      {{- '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}
      """
    ),
    (
      "hh-rlhf", [],
      """
      {{- bos_token }}
      {%- for message in messages %}
      {%- if message['role'] == 'user' %}{{- '\\n\\nHuman: ' + message['content'] }}
      {%- elif message['role'] == 'assistant' %}{{- '\\n\\nAssistant: ' + message['content'] }}
      {%- else %}{{- message['content'] }}{%- endif %}
      {%- if loop.last and message['role'] == 'assistant' %}{{- eos_token }}{%- endif %}
      {%- endfor %}
      {%- if add_generation_prompt %}{{- '\\n\\nAssistant:' }}{%- endif %}
      """
    ),
    (
      "plain", [],
      """
      {{- bos_token }}
      {%- for message in messages %}
      {{- message['content'] }}
      {%- if loop.last and message['role'] == 'assistant' %}{{- eos_token }}{%- endif %}
      {%- endfor %}
      """
    ),
  ]
}
