import Support

/// One round of a run: answers of the newest policy are ranked, the reward model is trained again on all
/// rankings so far, and PPO continues with the policy.
///
/// The last round's stages and files have the plain names, "ppo" and `ppo.trlhf`. So the plain names are always
/// the newest of a finished run. Earlier rounds add their number: "ppo-1" and `ppo-1.trlhf`.
public struct Round: Equatable, Sendable {
  /// The number of the round, counted from 1.
  public let number: Int
  public let count: Int

  /// The round of a run with one round, and of everything that is not repeated in rounds.
  public static let only = Round(1, of: 1)

  public init(_ number: Int, of count: Int) {
    precondition(count >= 1 && (1...count).contains(number), "round \(number) of \(count)")
    self.number = number
    self.count = count
  }

  public static func all(_ count: Int) -> [Round] { (1...count).map { Round($0, of: count) } }

  public var previous: Round? { number == 1 ? nil : Round(number - 1, of: count) }

  /// The name of a stage or model in this round.
  public func name(_ name: String) -> String { number == count ? name : "\(name)-\(number)" }

  /// The name of a file in this round.
  public func file(_ file: String) -> String {
    let (stem, dot) = (file.prefix { $0 != "." }, file.drop { $0 != "." })
    return name(String(stem)) + dot
  }

  /// This round's range of `budget` items. The ranges of the rounds are consecutive; their sizes differ by at most one.
  public func share(of budget: Int) -> Range<Int> {
    (number - 1) * budget / count..<number * budget / count
  }

  /// The number in the name of an earlier round's stage or file, such as "ppo-2" or `ppo-2.trlhf`; nil for any
  /// other name.
  public static func number(in name: some StringProtocol, of plain: String) -> Int? {
    let (stem, dot) = (plain.prefix { $0 != "." }, plain.drop { $0 != "." })
    guard name.hasPrefix("\(stem)-"), name.hasSuffix(dot), name.count > plain.count + 1 else { return nil }
    let digits = name.dropFirst(stem.count + 1).dropLast(dot.count)
    return digits.allSatisfy { $0.isASCII && $0.isNumber } ? Int(digits) : nil
  }

  /// The name of the file from the newest round that has written it; nil if no round has.
  public static func newest(_ plain: String, in folder: String) throws -> String? {
    let names = try Files.names(in: folder)
    guard !names.contains(plain) else { return plain }
    return names.compactMap { name in number(in: name, of: plain).map { (name: name, number: $0) } }
      .max { $0.number < $1.number }?.name
  }
}
