import Datasets
import Support

/// Reads sequences of token ids from a file, one `{"tokens": […]}` per line. So a model can be measured on the same
/// tokens as in another program, without the text.
public enum TokenWindows {
  /// - Throws: `Failure(.badData)` that names the first line that is not such an object, that has an id outside the
  ///   vocabulary, or that has fewer than two tokens or more than the context.
  public static func read(_ path: String, for model: Model) throws -> [[Int32]] {
    let lines = try LineReader(path: path)
    let context = model.architecture.context
    var windows: [[Int32]] = []
    while let line = try lines.next() {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      let tokens = try tokens(line, at: lines.place)
      try model.tokenizer.check(tokens, at: lines.place)
      guard (2...context).contains(tokens.count) else {
        throw Failure(
          .badData, "the line has \(tokens.count) tokens, but must have 2 to \(context)", at: lines.place,
          remedy: "Cut the sequences to the model's context; they are never truncated.")
      }
      windows.append(tokens)
    }
    return windows
  }

  private static func tokens(_ line: [UInt8], at place: String) throws -> [Int32] {
    let fields = try JSON.parse(line, at: place)
    do {
      guard let tokens = try RowFields(fields).tokens("tokens") else {
        throw Failure(.badData, "the key \"tokens\" is missing", remedy: "Give a list of token ids.")
      }
      return tokens
    } catch var failure as Failure {
      failure.place = place
      throw failure
    }
  }
}
