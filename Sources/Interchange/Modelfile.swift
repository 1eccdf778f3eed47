import Dialogues
import Support
import Tokenizers

/// The file from which Ollama makes a model with a GGUF file.
public enum Modelfile {
  static let name = "Modelfile"

  /// Ollama's templates, in Go's template language, for formats recognised by the text that a model's template writes.
  private static let templates: [(name: String, shown: String, template: String)] = [
    (
      "ChatML",
      "<|im_start|>system\ns.<|im_end|>\n<|im_start|>user\nu.<|im_end|>\n<|im_start|>assistant\na.<|im_end|>\n"
        + "<|im_start|>user\nv.<|im_end|>\n<|im_start|>assistant\n",
      """
      {{- range .Messages }}<|im_start|>{{ .Role }}
      {{ .Content }}<|im_end|>
      {{ end }}<|im_start|>assistant

      """
    ),
    (
      "Llama 3",
      "<|start_header_id|>system<|end_header_id|>\n\ns.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nu.<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\na.<|eot_id|>"
        + "<|start_header_id|>user<|end_header_id|>\n\nv.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
      """
      {{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>

      {{ .Content }}<|eot_id|>{{ end }}<|start_header_id|>assistant<|end_header_id|>


      """
    ),
  ]

  /// The text of the file.
  ///
  /// - Parameter gguf: the name of the GGUF file, which is in the same folder.
  /// - Returns: the text, and notes for the user.
  static func text(_ tokenizer: Tokenizer, gguf: String) -> (text: String, notes: [String]) {
    var lines = ["FROM ./\(gguf)"]
    var notes: [String] = []
    let format = tokenizer.chatFormat
    let names = Dictionary(
      tokenizer.definition.tokens.filter { $0.traits.contains(.added) }.map { ($0.id, $0.bytes) }
    ) { first, _ in first }
    if let template = format.template, let known = template.ollama(names[format.endTokens.first ?? -1]) {
      lines.append("TEMPLATE \"\"\"\(known)\"\"\"")
      if let system = template.defaultSystem {
        // Such a text cannot be written in quotes.
        if system.contains("\"\"\"") || system.hasSuffix("\"") {
          notes.append("The Modelfile has no SYSTEM: the template's own text cannot be quoted there.")
        } else {
          lines.append("SYSTEM \"\"\"\(system)\"\"\"")
        }
      }
    } else {
      notes.append(
        "The Modelfile has no TEMPLATE: Ollama must know this model's chat template, which is in the GGUF file.")
    }
    for token in format.endTokens {
      guard let name = names[token].map({ String(decoding: $0, as: UTF8.self) }),
        !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
      else { continue }
      let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      lines.append("PARAMETER stop \"\(escaped)\"")
    }
    return (lines.joined(separator: "\n") + "\n", notes)
  }

  /// Writes the file next to a GGUF file.
  ///
  /// - Returns: its path, and notes for the user.
  /// - Throws: `Failure(.cannotCreate)` if it cannot be written. An existing file of that name is replaced.
  public static func write(_ tokenizer: Tokenizer, besideGGUF path: String) throws -> (path: String, notes: [String]) {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    let (text, notes) = text(tokenizer, gguf: file)
    let target = self.path(besideGGUF: path)
    try Files.writeAtomically(Array(text.utf8), to: target)
    return (target, notes)
  }

  public static func path(besideGGUF path: String) -> String { "\(Files.folder(of: path))/\(name)" }

  fileprivate static func known(_ shown: String, end: String) -> String? {
    if let known = templates.first(where: { $0.shown == shown }) { return known.template }
    func turn(_ role: String, text: String) -> String { "<|\(role)|>\n\(text)\(end)\n" }
    let zephyr =
      turn("system", text: "s.") + turn("user", text: "u.") + turn("assistant", text: "a.") + turn("user", text: "v.")
      + "<|assistant|>\n"
    guard shown == zephyr else { return nil }
    return "{{- range .Messages }}<|{{ .Role }}|>\n{{ .Content }}\(end)\n{{ end }}<|assistant|>\n"
  }
}

extension ChatTemplate {
  /// Ollama's template for the same format, recognised by the text that this template writes. Ollama writes the begin
  /// token itself.
  fileprivate func ollama(_ end: [UInt8]?) -> String? {
    guard let end, var shown = TemplateProbe(self).shown() else { return nil }
    if let begin = specialTokens["bos_token"], shown.hasPrefix(begin), !shown.hasPrefix("<|im_start|>system") {
      shown.removeFirst(begin.count)
    }
    return Modelfile.known(shown, end: String(decoding: end, as: UTF8.self))
  }

  /// The system text that the template writes for a dialogue without a system turn.
  fileprivate var defaultSystem: String? {
    let question = Turn(.user, "u.")
    let mark = "\u{E000}"
    guard let plain = try? render(Prompt(turns: [question]), answers: true).text,
      let framed = try? render(Prompt(turns: [Turn(.system, mark), question]), answers: true).text
    else { return nil }
    let frame = framed.split(separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
    guard frame.count == 2, plain.count > frame[0].count + frame[1].count, plain.hasPrefix(frame[0]),
      plain.hasSuffix(frame[1])
    else { return nil }
    return String(plain.dropFirst(frame[0].count).dropLast(frame[1].count))
  }
}
