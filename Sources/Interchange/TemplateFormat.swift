/// The known chat format that a template writes, found by the whole of what it writes for a turn, never by
/// single tokens: formats that share their tokens differ in what stands between them.
struct TemplateFormat: Equatable {
  let name: String
  /// What the template makes the system say where a dialogue has no turn of its.
  let standingSystem: String?

  /// The format of dialogues where there is no template.
  static let plain = TemplateFormat(name: "plain", standingSystem: nil)

  private init(name: String, standingSystem: String?) {
    self.name = name
    self.standingSystem = standingSystem
  }

  /// - Returns: nil for a template that is none of the known ones.
  init?(_ template: String, begin: String?, end: String?) {
    guard !Self.hasMark(template) else { return nil }
    let output = TemplateOutput(template, begin: begin, end: end)
    let shapes = [Shape.chatml, .llama3, .tinyrlhf] + (end.map { [Shape.zephyr($0)] } ?? [])
    for shape in shapes where shape.isWritten(in: output) {
      guard let standing = shape.standingSystem(output) else { return nil }
      (name, standingSystem) = (shape.name, standing.first)
      return
    }
    guard let end, let name = Self.unframed(output, begin: begin, end: end) else { return nil }
    (self.name, standingSystem) = (name, nil)
  }

  private static func hasMark(_ text: String) -> Bool {
    text.unicodeScalars.contains { (0xE000...0xE003).contains($0.value) }
  }

  /// The formats whose turns no token closes: all that the template writes must be known.
  private static func unframed(_ output: TemplateOutput, begin: String?, end: String) -> String? {
    let texts = Set(output.segments.map(\.text)).subtracting([""])
    let content = TemplateOutput.content
    let human: Set = ["\n\nHuman: \(content)", "\n\nAssistant: \(content)", "\n\nAssistant:", end]
    let common: Set = [content, end, begin ?? end]
    if texts.isSuperset(of: human), texts.subtracting(human).isSubset(of: common) { return "hh-rlhf" }
    return texts.isSuperset(of: [content, end]) && texts.isSubset(of: common) ? "plain" : nil
  }

  /// What turns look like.
  private struct Shape {
    let name: String
    /// Before and behind a role.
    let open, opened: String
    let close: String
    /// Between turns; an answer that is the last may lack it.
    let gap: String

    static let chatml = Shape(
      name: "chatml", open: "<|im_start|>", opened: "\n", close: "<|im_end|>", gap: "\n")
    static let llama3 = Shape(
      name: "llama3", open: "<|start_header_id|>", opened: "<|end_header_id|>\n\n", close: "<|eot_id|>",
      gap: "")
    static let tinyrlhf = Shape(name: "tinyrlhf", open: "<|", opened: "|>", close: "", gap: "")
    static func zephyr(_ end: String) -> Shape {
      Shape(name: "zephyr", open: "<|", opened: "|>\n", close: end, gap: "\n")
    }

    private func turn(_ role: String) -> String {
      open + role + opened + TemplateOutput.content + close
    }

    func isWritten(in output: TemplateOutput) -> Bool {
      let texts = Set(output.segments.map(\.text))
      let any = turn(TemplateOutput.role) + gap
      let answer = turn("assistant") + (name == "tinyrlhf" ? "<|end|>" : "")
      return (texts.contains(any) || texts.contains(turn("user") + gap))
        && !texts.isDisjoint(with: [any, answer, answer + gap])
        && texts.contains(open + "assistant" + opened)
    }

    /// No text or one; nil if the system says what this program could not.
    func standingSystem(_ output: TemplateOutput) -> [String]? {
      var standing: [String] = []
      let (before, behind) = (open + "system" + opened, close + gap)
      for segment in output.segments where segment.text.hasPrefix(before) {
        guard segment.text.hasSuffix(behind) else {
          // A system's turn that is put together is one with tools, which no dialogue here has.
          if segment.statement.contains("tools") { continue }
          return nil
        }
        let text = String(segment.text.dropFirst(before.count).dropLast(behind.count))
        if text == TemplateOutput.content || standing.contains(text) { continue }
        guard standing.isEmpty, !TemplateFormat.hasMark(text) else { return nil }
        standing.append(text)
      }
      return standing
    }
  }
}
