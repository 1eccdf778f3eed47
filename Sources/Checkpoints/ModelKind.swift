/// What a model was trained for, as the header stores it. A new kind is a line here, and one in `all`.
public struct ModelKind: Hashable, Sendable {
  public static let base = ModelKind(code: 0, name: "base")
  public static let sft = ModelKind(code: 1, name: "sft")
  public static let reward = ModelKind(code: 2, name: "reward", hasScalarHead: true)
  public static let ppo = ModelKind(code: 3, name: "ppo")
  public static let value = ModelKind(code: 4, name: "value", hasScalarHead: true)

  public static let all = [base, sft, reward, ppo, value]

  /// The number in the header, which never changes.
  public let code: UInt32
  public let name: String
  /// Whether it has a scalar head instead of an unembedding.
  public let hasScalarHead: Bool
  /// Whether it predicts tokens.
  public var isLanguageModel: Bool { !hasScalarHead }

  private init(code: UInt32, name: String, hasScalarHead: Bool = false) {
    self.code = code
    self.name = name
    self.hasScalarHead = hasScalarHead
  }

  /// - Parameter code: of a header; nil for a number that this version does not know.
  public init?(code: UInt32) {
    guard let kind = Self.all.first(where: { $0.code == code }) else { return nil }
    self = kind
  }
}

extension ModelKind: CustomStringConvertible {
  public var description: String { name }
}
