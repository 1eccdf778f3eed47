import Datasets
import Support

/// Sequences of token ids from a file, `{"tokens": […]}` a line: what another program measured a model
/// on can be measured again without its text.
public enum TokenWindows {
  private struct Row: Decodable {
    let tokens: [Int32]
  }

  /// - Throws: `Failure(.badData)` naming the first line that is not such an object, that holds an id
  ///   outside the vocabulary, or that has fewer than two tokens or more than the context.
  public static func read(_ path: String, for model: Model) throws -> [[Int32]] {
    let lines = try LineReader(path: path)
    let context = model.architecture.context
    var windows: [[Int32]] = []
    while let line = try lines.next() {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      let tokens = try JSON.decode(Row.self, from: line, at: lines.place).tokens
      try model.tokenizer.check(tokens, at: lines.place)
      guard (2...context).contains(tokens.count) else {
        throw Failure(
          .badData, "\(tokens.count) tokens, where 2 to \(context) can be measured", at: lines.place,
          remedy: "Cut the sequences to the model's context; nothing is truncated silently.")
      }
      windows.append(tokens)
    }
    return windows
  }
}
