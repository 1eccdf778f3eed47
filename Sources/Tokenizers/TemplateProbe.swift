import Dialogues

/// Tests a chat template with a small dialogue.
public struct TemplateProbe {
  /// The text that the template writes after an answer at the end of a dialogue; nil if it cannot write one.
  public let tail: String?
  /// White space that the template writes between the opening of an answer and its text.
  public let answerPrefix: String
  /// The error, if the template cannot write a question and its answer.
  public let problem: String?
  private let template: ChatTemplate

  public init(_ template: ChatTemplate) {
    self.template = template
    let question = Turn(.user, "question")
    let answer = "answer"
    do {
      let prompt = try template.render(Prompt(turns: [question]), answers: true, limits: ChatTemplate.probing)
      let whole = try template.render(
        Prompt(turns: [question, Turn(.assistant, answer)]), answers: false, limits: ChatTemplate.probing)
      problem = nil
      guard let content = whole.extentOfLastMessage else {
        (tail, answerPrefix) = (nil, "")
        return
      }
      tail = String(decoding: whole.bytes[content.upperBound...], as: UTF8.self)
      var prefix: [UInt8] = []
      if whole.bytes.starts(with: prompt.bytes), content.lowerBound >= prompt.bytes.count {
        prefix = Array(whole.bytes[prompt.bytes.count..<content.lowerBound])
      }
      let isSpace = prefix.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) }
      answerPrefix = isSpace ? String(decoding: prefix, as: UTF8.self) : ""
    } catch {
      (tail, answerPrefix, problem) = (nil, "", "\(error)")
    }
  }

  /// A rendered dialogue with each role and an open answer; nil if the template refuses it.
  public func shown() -> String? {
    let turns = [
      Turn(.system, "s."), Turn(.user, "u."), Turn(.assistant, "a."), Turn(.user, "v."),
    ]
    return try? template.render(Prompt(turns: turns), answers: true, limits: ChatTemplate.probing).text
  }

  /// Whether this is tinyrlhf's own format.
  public var isTinyrlhf: Bool {
    shown() == "<|system|>s.<|user|>u.<|assistant|>a.<|end|><|user|>v.<|assistant|>"
  }
}
