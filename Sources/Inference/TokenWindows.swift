import Datasets
import Support

/// Sequences of token ids from a file, `{"tokens": […]}` a line: what another program measured a model
/// on can be measured again without its text.
public enum TokenWindows {
  /// - Throws: `Failure(.badData)` naming the first line that is not such an object, that holds an id
  ///   outside the vocabulary, or that has fewer than two tokens or more than the context.
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
          .badData, "\(tokens.count) tokens, where 2 to \(context) can be measured", at: lines.place,
          remedy: "Cut the sequences to the model's context; nothing is truncated silently.")
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
