import Dialogues

/// A change of white space in a prompt, which changes nothing that it says.
public enum PromptEdit: String, CaseIterable, Codable, Sendable {
  case doubledSpaces = "doubled-spaces"
  case leadingSpace = "leading-space"
  case trailingSpace = "trailing-space"
  case trailingNewline = "trailing-newline"
  case spaceBeforeMark = "space-before-mark"

  /// The prompt with its last turn of the user edited; nil where that changes nothing, as no
  /// question mark stands in it, for one.
  public func applied(to prompt: [Turn]) -> [Turn]? {
    guard let last = prompt.lastIndex(where: { $0.role == .user }) else { return nil }
    let edited = applied(to: prompt[last].content)
    guard edited != prompt[last].content else { return nil }
    var turns = prompt
    turns[last].content = edited
    return turns
  }

  private func applied(to text: String) -> String {
    switch self {
    case .doubledSpaces: text.split(separator: " ", omittingEmptySubsequences: false)
      .joined(separator: "  ")
    case .leadingSpace: " " + text
    case .trailingSpace: text + " "
    case .trailingNewline: text + "\n"
    case .spaceBeforeMark: text.split(separator: "?", omittingEmptySubsequences: false)
      .joined(separator: " ?")
    }
  }
}
