/// The training state of a model, as the header page stores it.
public struct TrainingRecord: Equatable, Sendable {
  public var kind: ModelKind
  /// Whether the file contains everything needed to continue training.
  public var isTrainingCheckpoint: Bool
  public var step: UInt64
  public var seed: UInt64
  /// Six words that no version gives a meaning. They are 0 in every file that this program writes, and a file that
  /// has others keeps them.
  public var reserved: [UInt64]

  public init(
    kind: ModelKind, isTrainingCheckpoint: Bool = false, step: UInt64 = 0, seed: UInt64 = 0,
    reserved: [UInt64] = [UInt64](repeating: 0, count: TrainingRecord.reservedWords)
  ) {
    precondition(reserved.count == Self.reservedWords, "\(reserved.count) reserved words")
    self.kind = kind
    self.isTrainingCheckpoint = isTrainingCheckpoint
    self.step = step
    self.seed = seed
    self.reserved = reserved
  }

  public static let reservedWords = 6
  private static let usedBytes = 72

  var record: [UInt8] {
    var record = RecordBytes(Format.recordBytes)
    record.put(kind.code, at: 0)
    record.put(UInt32(isTrainingCheckpoint ? 1 : 0), at: 4)
    for (index, word) in ([step, seed] + reserved).enumerated() {
      record.put(word, at: 8 + 8 * index)
    }
    return record.bytes
  }

  /// Reads the fields after the kind.
  init(_ kind: ModelKind, _ r: UnsafeRawBufferPointer) {
    self.init(
      kind: kind, isTrainingCheckpoint: r.u32(4) == 1, step: r.u64(8), seed: r.u64(16),
      reserved: (0..<Self.reservedWords).map { r.u64(24 + 8 * $0) })
  }

  static func nonZeroSpare(_ r: UnsafeRawBufferPointer) -> Int? {
    r.slice(at: usedBytes, count: r.count - usedBytes).firstNonZero().map { $0 + usedBytes }
  }
}
