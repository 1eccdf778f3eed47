import Tensors

/// Sequences that one pass computes together, and their rows that are read.
@usableFromInline package protocol PassUnit {
  /// Tokens that the unit takes in a pass.
  var tokenCount: Int { get }
  /// Appends its sequences to a pass.
  func append(to pass: SequencePass)
}

/// Runs sequences through a model: load, forward, heads, loss, backward.
///
/// Units are processed in order, as many at a time as fit the transformer. The split does not change a byte.
public final class SequencePass {
  /// A model's outputs at every row that is read, in order. Outputs that were not requested are empty.
  package struct Reading {
    package var logprobs: [Float] = []
    package var entropies: [Float] = []
    package var scalars: [Float] = []

    package init(logprobs: [Float] = [], entropies: [Float] = [], scalars: [Float] = []) {
      self.logprobs = logprobs
      self.entropies = entropies
      self.scalars = scalars
    }

    /// The outputs reordered: those of row i are at index `places[i]`.
    package func ordered(by places: [Int]) -> Reading {
      func ordered(_ values: [Float]) -> [Float] {
        guard !values.isEmpty else { return [] }
        var result = values
        for (value, place) in zip(values, places) { result[place] = value }
        return result
      }
      return Reading(
        logprobs: ordered(logprobs), entropies: ordered(entropies), scalars: ordered(scalars))
    }
  }

  /// The parts of a model that a pass needs.
  public struct Model {
    public let weights: TransformerWeights
    /// The scalar head; nil if none is read.
    public var head: ScalarHead?

    public init(weights: TransformerWeights, head: ScalarHead? = nil) {
      self.weights = weights
      self.head = head
    }
  }

  /// Identifies a pass whose activations the transformer may still hold.
  package struct Held {
    fileprivate let pass: Int
  }

  public let transformer: Transformer
  private let batch: TokenBatch
  // One entry per row that is read.
  private let rows: UnsafeMutablePointer<Int32>
  private let targets: UnsafeMutablePointer<Int32>
  private let logprob: UnsafeMutablePointer<Float>
  private let entropy: UnsafeMutablePointer<Float>
  private let scalar: UnsafeMutablePointer<Float>
  private let gradient: UnsafeMutablePointer<Float>
  private var count = 0
  /// The rows of each sequence in the group that is being appended.
  private var places: [Place] = []

  public init(_ transformer: Transformer, arena: Arena) throws {
    self.transformer = transformer
    let capacity = transformer.rows
    batch = try TokenBatch(capacity: capacity, name: "pass", arena: arena)
    rows = try arena.allocate("pass rows", capacity, of: Int32.self)
    targets = try arena.allocate("pass targets", capacity, of: Int32.self)
    logprob = try arena.floats("pass log-probabilities", capacity)
    entropy = try arena.floats("pass entropies", capacity)
    scalar = try arena.floats("pass scalars", capacity)
    gradient = try arena.floats("pass gradients", capacity)
  }

  // MARK: Loading

  /// The rows of a sequence: first those that it shares with others, then its own.
  package struct Place {
    fileprivate let first: Int
    fileprivate let shared: Int
    fileprivate let own: Int
    fileprivate let count: Int

    fileprivate func row(_ index: Int) -> Int { index < shared ? first + index : own + index - shared }
  }

  /// Appends a sequence, given in one or two pieces.
  package func append(_ first: [Int32], then second: [Int32] = []) -> Place {
    defer { batch.append(first, then: second) }
    let count = first.count + second.count
    return Place(first: batch.rows, shared: count, own: 0, count: count)
  }

  /// Appends sequences with a common prefix.
  /// - Parameter read: called for each sequence, in order, to read its rows.
  package func append(
    _ count: Int, _ prefix: SharedPrefix, _ tokens: (Int) -> [Int32], read: (Int, Place) -> Void
  ) {
    places.removeAll(keepingCapacity: true)
    let (first, shared) = (batch.rows, prefix.shared)
    if shared > 0 { batch.append(tokens(0)[..<shared]) }
    for index in 0..<count {
      places.append(place(of: index, first: first, shared: shared, tokens))
      read(index, places[index])
    }
  }

  private func place(of index: Int, first: Int, shared: Int, _ tokens: (Int) -> [Int32]) -> Place {
    if let twin = SharedPrefix.earlier(index, tokens) { return places[twin] }
    let own = tokens(index)[shared...]
    defer {
      if shared == 0 { batch.append(own) } else if !own.isEmpty { batch.append(continuing: own) }
    }
    return Place(first: first, shared: shared, own: batch.rows, count: shared + own.count)
  }

  /// Marks these rows of a sequence to be read. The target of each row is the token that follows.
  package func read(_ wanted: Range<Int>, at place: Place) {
    for index in wanted {
      rows[count] = Int32(place.row(index))
      targets[count] = index + 1 < place.count ? batch.ids[place.row(index + 1)] : 0
      count += 1
    }
  }

  /// Begins a pass without sequences.
  @usableFromInline package func begin() {
    batch.removeAll()
    count = 0
  }

  /// Runs the forward pass over the loaded sequences, up to the heads.
  @usableFromInline package func forward(_ weights: TransformerWeights) { transformer.forward(weights, batch) }

  // A step may allocate nothing, so each user's module compiles these two for its own kinds of units.

  /// Loads units that fit one pass, and runs the forward pass up to the heads.
  @inlinable package func compute(_ units: some Collection<some PassUnit>, _ weights: TransformerWeights) {
    begin()
    for unit in units { unit.append(to: self) }
    forward(weights)
  }

  @inlinable @inline(__always)
  package func forEachMicroBatch<Units: RandomAccessCollection>(
    of units: Units, as name: String, _ body: (Units.SubSequence) -> Void
  ) where Units.Element: PassUnit {
    func index(_ number: Int) -> Units.Index { units.index(units.startIndex, offsetBy: number) }
    Models.forEachMicroBatch(
      of: units.count, capacity: transformer.rows, as: name, length: { units[index($0)].tokenCount }
    ) { body(units[index($0.lowerBound)..<index($0.upperBound)]) }
  }

  // MARK: Reading

  /// The outputs at every row that the sequences read. A prefix that neighbouring sequences share is computed once.
  /// - Parameter name: label of this work in the progress display.
  package func read(
    _ outputs: HeadOutputs, of model: Model, _ sequences: [PassSequence], inverseTemperature: Float = 1,
    as name: String
  ) -> Reading {
    var reading = Reading()
    forEachMicroBatch(of: grouped(sequences), as: name) { units in
      compute(units, model.weights)
      readHeads(outputs, of: model, inverseTemperature, into: &reading)
    }
    return reading
  }

  /// The last pass. Its activations are there until the transformer's next pass.
  package var held: Held { Held(pass: transformer.passes) }

  /// Whether the activations of a pass are still there.
  package func isHeld(_ held: Held?) -> Bool { held.map { $0.pass == transformer.passes } ?? false }

  /// Adds the heads' outputs at the loaded rows to a reading.
  package func readHeads(
    _ outputs: HeadOutputs, of model: Model, _ inverseTemperature: Float, into reading: inout Reading
  ) {
    if outputs.contains(.logprobs) {
      let hasEntropies = outputs.contains(.entropies)
      transformer.logprobs(
        model.weights, headRows, inverseTemperature: inverseTemperature, logprob: logprob,
        entropy: hasEntropies ? entropy : nil)
      reading.logprobs += UnsafeBufferPointer(start: logprob, count: count)
      if hasEntropies { reading.entropies += UnsafeBufferPointer(start: entropy, count: count) }
    }
    if outputs.contains(.scalars) {
      transformer.scores(model.head!, rows: rows, count: count, to: scalar)
      reading.scalars += UnsafeBufferPointer(start: scalar, count: count)
    }
  }

  /// Length of the shortest prefix that is shared in passes without learning, in tokens.
  private static let shortestRead = 4

  private func grouped(_ sequences: [PassSequence]) -> [PassGroup] {
    PassGroup.grouping(sequences, shortest: Self.shortestRead, limit: transformer.rows)
  }

  /// The scalar head's input at every row that the sequences read, [count · d].
  package func features(
    _ weights: TransformerWeights, _ sequences: [PassSequence], as name: String
  ) -> [Float] {
    var features: [Float] = []
    forEachMicroBatch(of: grouped(sequences), as: name) { units in
      compute(units, weights)
      let values = count * transformer.architecture.dModel
      features += [Float](unsafeUninitializedCapacity: values) { buffer, filled in
        transformer.features(rows: rows, count: count, to: buffer.baseAddress!)
        filled = values
      }
    }
    return features
  }

  // MARK: Learning

  /// Runs the backward pass over the loaded sequences, whose forward pass has run.
  /// - Parameters:
  ///   - outputs: the heads that the objective reads.
  ///   - first: number of the pass's first row among all rows of the step.
  ///   - logprobs, scalars: called with chunks of rows; they write the gradients of the chunk.
  /// - Returns: rows that were read.
  package func backward(
    _ outputs: HeadOutputs, of model: Model, into gradients: Gradients, inverseTemperature: Float, first: Int,
    logprobs: (OutputChunk) -> Void, scalars: (OutputChunk) -> Void
  ) -> Int {
    transformer.beginBackward(batch)
    if outputs.contains(.logprobs) {
      let entropies = outputs.contains(.entropies) ? entropy : nil
      transformer.logprobsBackward(
        model.weights, headRows, inverseTemperature: inverseTemperature, logprob: logprob,
        entropy: entropies, dLogprob: gradient, into: gradients
      ) { rows in logprobs(chunk(rows, after: first, logprob, entropies)) }
    }
    if outputs.contains(.scalars) {
      guard let head = model.head else { preconditionFailure("the objective reads scalars, but the model has none") }
      transformer.scores(head, rows: rows, count: count, to: scalar)
      scalars(chunk(0..<count, after: first, scalar, nil))
      transformer.scoresBackward(head, rows: rows, count: count, dScores: gradient, into: gradients)
    }
    transformer.backward(model.weights, batch, into: gradients)
    transformer.dropout?.firstToken += batch.rows
    return count
  }

  private func chunk(
    _ rows: Range<Int>, after first: Int, _ values: UnsafeMutablePointer<Float>,
    _ entropies: UnsafeMutablePointer<Float>?
  ) -> OutputChunk {
    OutputChunk(
      first: first + rows.lowerBound,
      values: UnsafeBufferPointer(start: values + rows.lowerBound, count: rows.count),
      entropies: UnsafeBufferPointer(
        start: entropies.map { $0 + rows.lowerBound }, count: entropies == nil ? 0 : rows.count),
      gradient: UnsafeMutableBufferPointer(start: gradient + rows.lowerBound, count: rows.count))
  }

  private var headRows: HeadRows { HeadRows(count: count, rows: rows, targets: targets) }
}
