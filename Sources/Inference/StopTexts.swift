/// Texts that end an answer. The answer is cut before the first of them.
public struct StopTexts: Sendable {
  private let texts: [[UInt8]]

  /// Empty texts are left out.
  public init(_ texts: [String] = []) {
    self.texts = texts.map { Array($0.utf8) }.filter { !$0.isEmpty }
  }

  public var isEmpty: Bool { texts.isEmpty }

  /// Bytes of the longest text.
  public var longest: Int { texts.map(\.count).max() ?? 0 }

  /// The part of a text before the first stop text.
  public func cut(_ text: String) -> String {
    let bytes = Array(text.utf8)
    return firstStop(in: bytes).map { String(decoding: bytes[..<$0], as: UTF8.self) } ?? text
  }

  /// The position where the first stop text begins; nil if there is none.
  public func firstStop(in bytes: [UInt8]) -> Int? {
    bytes.indices.first { position in texts.contains { bytes[position...].starts(with: $0) } }
  }
}
