/// The stage that made a model.
public enum ModelKind: UInt32, Sendable, CaseIterable {
  case base = 0
  case sft = 1
  case reward = 2
  case ppo = 3
  case value = 4
}

/// The training state of a model, as the header page stores it.
public struct TrainingRecord: Equatable, Sendable {
  public var kind: ModelKind
  /// Whether the file contains everything needed to continue training.
  public var isTrainingCheckpoint: Bool
  public var step: UInt64
  public var seed: UInt64
  /// Numbers of words drawn from the run's random streams.
  public var randomCounters: (UInt64, UInt64, UInt64, UInt64)
  /// The position in the data: epoch and position, or as the stage defines it.
  public var dataCursor: (UInt64, UInt64)

  public init(
    kind: ModelKind, isTrainingCheckpoint: Bool = false, step: UInt64 = 0, seed: UInt64 = 0,
    randomCounters: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0),
    dataCursor: (UInt64, UInt64) = (0, 0)
  ) {
    self.kind = kind
    self.isTrainingCheckpoint = isTrainingCheckpoint
    self.step = step
    self.seed = seed
    self.randomCounters = randomCounters
    self.dataCursor = dataCursor
  }

  public static func == (a: TrainingRecord, b: TrainingRecord) -> Bool {
    a.kind == b.kind && a.isTrainingCheckpoint == b.isTrainingCheckpoint && a.step == b.step
      && a.seed == b.seed && a.randomCounters == b.randomCounters && a.dataCursor == b.dataCursor
  }

  private static let usedBytes = 72

  var record: [UInt8] {
    var record = RecordBytes(Format.recordBytes)
    record.put(kind.rawValue, at: 0)
    record.put(UInt32(isTrainingCheckpoint ? 1 : 0), at: 4)
    let (a, b, c, d) = randomCounters
    for (index, word) in [step, seed, a, b, c, d, dataCursor.0, dataCursor.1].enumerated() {
      record.put(word, at: 8 + 8 * index)
    }
    return record.bytes
  }

  /// Reads the fields after the kind.
  init(_ kind: ModelKind, _ r: UnsafeRawBufferPointer) {
    self.init(
      kind: kind, isTrainingCheckpoint: r.u32(4) == 1, step: r.u64(8), seed: r.u64(16),
      randomCounters: (r.u64(24), r.u64(32), r.u64(40), r.u64(48)),
      dataCursor: (r.u64(56), r.u64(64)))
  }

  static func nonZeroSpare(_ r: UnsafeRawBufferPointer) -> Int? {
    r.slice(usedBytes, r.count - usedBytes).firstNonZero().map { $0 + usedBytes }
  }
}
