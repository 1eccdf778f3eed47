import Dialogues

/// What a chat template does with a small dialogue.
public struct TemplateProbe {
  /// What the template writes behind an answer at the end of a dialogue; nil where it cannot write one.
  public let tail: String?
  /// White space that it writes between what opens an answer and the answer.
  public let answerPrefix: String
  /// Why it cannot write a question and its answer.
  public let problem: String?
  private let template: ChatTemplate

  public init(_ template: ChatTemplate) {
    self.template = template
    let question = Turn(.user, "question")
    let answer = "answer"
    do {
      let prompt = try template.render(Prompt(turns: [question]), answers: true)
      let whole = try template.render(Prompt(turns: [question, Turn(.assistant, answer)]), answers: false)
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

  /// What a dialogue with each role and an open answer becomes; nil where the template refuses it.
  public func shown() -> String? {
    let turns = [
      Turn(.system, "s."), Turn(.user, "u."), Turn(.assistant, "a."), Turn(.user, "v."),
    ]
    return try? template.render(Prompt(turns: turns), answers: true).text
  }

  /// Whether this is the format of tokenizers that tinyrlhf trains.
  public var isTinyrlhf: Bool {
    shown() == "<|system|>s.<|user|>u.<|assistant|>a.<|end|><|user|>v.<|assistant|>"
  }
}
