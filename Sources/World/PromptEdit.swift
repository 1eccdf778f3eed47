import Dialogues

/// A change of a prompt's white space; it does not change the meaning.
public enum PromptEdit: String, CaseIterable, Codable, Sendable {
  case doubledSpaces = "doubled-spaces"
  case leadingSpace = "leading-space"
  case trailingSpace = "trailing-space"
  case trailingNewline = "trailing-newline"
  case spaceBeforeMark = "space-before-mark"

  /// The prompt with the user's last turn edited; nil if the edit changes nothing, for example if the turn has no
  /// question mark.
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
