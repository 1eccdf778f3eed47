import ArgumentParser
import Interchange
import Jinja
import Support
import Tokenizers

/// How dialogues become tokens, for a model or a tokenizer in another format.
struct ChatOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Write dialogues in a known format: \(ChatFormat.names.joined(separator: ", ")) (default: the model's own chat \
      template, or plain if it has none).
      """, valueName: "name"))
  var chatFormat: String?
  @Option(
    help: ArgumentHelp("Write dialogues with this chat template, a Jinja file.", valueName: "file"))
  var chatTemplate: String?
  @Option(
    help: ArgumentHelp(
      "The date that strftime_now returns in a template, as 2025-03-09 or 2025-03-09T14:05:07 (default: today).",
      valueName: "date"))
  var date: String?

  func validate() throws {
    if chatFormat != nil, chatTemplate != nil {
      throw ValidationError("--chat-format and --chat-template cannot be used together: choose one.")
    }
    if let date, CalendarDate(date) == nil {
      throw ValidationError("--date \"\(date)\" is not a date: write it as 2025-03-09 or 2025-03-09T14:05:07.")
    }
  }

  /// The options that were given, with dashes.
  var given: [String] {
    [("--chat-format", chatFormat), ("--chat-template", chatTemplate), ("--date", date)]
      .compactMap { name, value in value.map { _ in name } }
  }

  func choice() -> ChatChoice {
    let template: ChatChoice.Template =
      chatTemplate.map { .file($0) } ?? chatFormat.map { .named($0) } ?? .own
    return ChatChoice(template, date: CalendarDate(date ?? String(Clock.date().prefix(10)))!)
  }
}

extension CalendarDate {
  /// Parses `2025-03-09`, optionally followed by `T14:05:07`, optionally followed by `Z`.
  init?(_ text: String) {
    let halves = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
    func numbers(_ text: some StringProtocol, _ separator: Character) -> [Int]? {
      let parts = text.split(separator: separator, omittingEmptySubsequences: false).map { part in
        part.utf8.allSatisfy { (0x30...0x39).contains($0) } && part.utf8.count <= 4 ? Int(part) : nil
      }
      return parts.count == 3 && parts.allSatisfy { $0 != nil } ? parts.map { $0! } : nil
    }
    let time = halves.count == 2 ? (halves[1].hasSuffix("Z") ? halves[1].dropLast() : halves[1]) : "0:0:0"
    guard let day = numbers(halves[0], "-"), let time = numbers(time, ":") else { return nil }
    self.init(year: day[0], month: day[1], day: day[2], hour: time[0], minute: time[1], second: time[2])
    guard isValid else { return nil }
  }
}
