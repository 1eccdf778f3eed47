import Checkpoints
import Support
import Tensors

/// A model in a mapped checkpoint. Its parameters are used in place, without a copy.
public final class ModelFile: @unchecked Sendable {
  public let checkpoint: Checkpoint
  public let architecture: Architecture
  public let layout: ParameterLayout
  /// Whether matrices are int8; positions, norms and biases are then still float32.
  public let isInt8: Bool
  /// Whether all tensors are float32, so that the model can be trained in place.
  public let isFloat32: Bool

  /// The size of the trunk in the file [bytes].
  public var weightBytes: Int { checkpoint.tensors(in: .weights, role: .policy).reduce(0) { $0 + $1.byteCount } }

  /// Tensor name of a reward model's gain and bias, [2], in the HEAD section.
  public static let normalizationName = "head.normalization"

  /// - Throws: `Failure(.badData)` if the tensors do not match the architecture.
  public init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    architecture = checkpoint.architecture
    try architecture.validate(at: checkpoint.path)
    let weights = checkpoint.tensors(in: .weights, role: .policy)
    try Self.require(weights, toHold: architecture, at: checkpoint.path)
    layout = ParameterLayout(architecture, scalarHead: checkpoint.training.kind.hasScalarHead)
    isInt8 = weights.contains { $0.type == .int8 }
    isFloat32 = weights.allSatisfy { $0.type == .float32 }
    if !isInt8 {
      try Self.require(layout.trunk, in: .weights, checkpoint)
      try Self.require(layout.head, in: .head, checkpoint)
      if weights.count > layout.trunk.count {
        throw Self.superfluous(weights[layout.trunk.count], checkpoint)
      }
    }
  }

  /// Compares the architecture with the size of the file before anything is allocated. A damaged header can claim
  /// so many layers that even a list of their names does not fit in memory. Float64 products do not overflow.
  private static func require(
    _ weights: [Checkpoint.Tensor], toHold architecture: Architecture, at path: String
  ) throws {
    guard !weights.isEmpty else {
      throw Failure(.badData, "has no WEIGHTS section of the policy", at: path, remedy: Self.remedy)
    }
    let bytes = weights.reduce(0) { $0 + $1.byteCount }
    guard architecture.layers <= weights.count, architecture.matrixElements <= Double(bytes) else {
      throw Failure(
        .badData,
        "the architecture needs more than the \(weights.count) tensors of \(bytes) bytes in the file",
        at: path, remedy: Self.remedy)
    }
  }

  /// The parameters, as a view of the mapped file: a `ParameterSet`, which can learn, if all are float32.
  ///
  /// - Throws: `Failure(.badData)` if the model is int8.
  public func parameters() throws -> any StoredParameters {
    guard !isInt8 else {
      throw Failure(
        .badData, "is an int8 model, but the weights that it was made from are needed", at: checkpoint.path,
        remedy: "Use the model that it was quantised from.")
    }
    guard isFloat32 else {
      let tensors = checkpoint.tensors(in: .weights, role: .policy) + checkpoint.tensors(in: .head, role: .policy)
      return MappedParameters(
        layout, Dictionary(uniqueKeysWithValues: tensors.compactMap { tensor in tensor.stored.map { (tensor.name, $0) } }),
        self)
    }
    func base(_ kind: SectionKind) throws -> UnsafeMutablePointer<Float> {
      let bytes = try checkpoint.sectionBytes(kind, .policy)
      return bytes.baseAddress!.assumingMemoryBound(to: Float.self)
    }
    return ParameterSet(
      layout, trunk: try base(.weights), head: layout.hasScalarHead ? try base(.head) : nil,
      owner: self)
  }

  /// The weights to compute with, as they are stored in the file.
  ///
  /// - Throws: `Failure(.badData)` if a tensor of an int8 model is missing, unknown or invalid.
  public func weights() throws -> TransformerWeights {
    guard isInt8 else { return TransformerWeights(try parameters()) }
    let tensors = checkpoint.tensors(in: .weights, role: .policy)
    let stored = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
    func tensor(_ name: String, _ dims: [Int], _ type: TensorType) throws -> Checkpoint.Tensor {
      guard let found = stored[name], found.dims == dims, found.type == type else {
        throw Failure(
          .badData, "the \(type) tensor \(name) \(dims) is missing", at: checkpoint.path,
          remedy: Self.remedy)
      }
      return found
    }
    let projections = try QuantizedWeights.projections(of: layout).map { projection in
      let found = try tensor(projection.name, projection.dims, .int8)
      return QuantizedWeights.Projection(
        name: projection.name,
        matrix: Int8Matrix(
          outputs: found.dims[0], inputs: found.dims[1],
          codes: found.pointer.assumingMemoryBound(to: Int8.self), scales: found.scales!,
          rowSums: found.rowSums!, factors: found.factors!))
    }
    let names = Set(projections.map(\.name))
    var floats: [String: UnsafeMutablePointer<Float>] = [:]
    for wanted in layout.trunk where !names.contains(wanted.name) {
      floats[wanted.name] = try tensor(wanted.name, wanted.dims, .float32).floats
    }
    let a = architecture
    let keyFactors = try tensor(QuantizedWeights.keyFactorsName, [a.layers, a.kvHeads, a.headDim], .float32).floats
    let used = names.union(floats.keys).union([QuantizedWeights.keyFactorsName])
    if let more = tensors.first(where: { !used.contains($0.name) }) {
      throw Self.superfluous(more, checkpoint)
    }
    try Self.requireFactors(keyFactors, a.layers * a.keyValueWidth, checkpoint)
    return QuantizedWeights(layout, projections: projections, keyFactors: keyFactors).weights { floats[$0] }
  }

  /// Checks the key factors. Keys are multiplied and queries are divided by them; only powers of two make this exact.
  /// - Throws: `Failure(.badData)` if a key factor is not a power of two from 2⁻³² to 2³².
  private static func requireFactors(
    _ factors: UnsafePointer<Float>, _ count: Int, _ checkpoint: Checkpoint
  ) throws {
    let bounds = Float(0x1p-32)...0x1p32
    guard let i = (0..<count).first(where: { !bounds.contains(factors[$0]) || factors[$0].significand != 1 })
    else { return }
    throw Failure(
      .badData, "key factor \(i) is \(factors[i]), not a power of two from 2⁻³² to 2³²", at: checkpoint.path,
      remedy: remedy)
  }

  /// Remedy for errors that a file written by this program cannot have.
  public static let remedy = "Use a model file that tinyrlhf has written."
  private static let unembedding = "unembedding.weight"

  private static func superfluous(_ tensor: Checkpoint.Tensor, _ checkpoint: Checkpoint) -> Failure {
    let isTied = tensor.name == unembedding && checkpoint.architecture.tiedEmbeddings
    return Failure(
      .badData,
      isTied
        ? "has its own unembedding, but its header says that the unembedding is the token embedding"
        : "the tensor \(tensor.name) belongs to no part of the architecture", at: checkpoint.path,
      remedy: remedy)
  }

  private static func require(
    _ wanted: TensorTable, in kind: SectionKind, _ checkpoint: Checkpoint
  ) throws {
    let found = checkpoint.tensors(in: kind, role: .policy)
    for (index, tensor) in wanted.enumerated() {
      guard index < found.count, found[index].name == tensor.name,
        found[index].dims == tensor.dims, tensor.canBeStored(as: found[index].type)
      else {
        throw Failure(
          .badData,
          "the tensor \(tensor.name) \(tensor.dims) is missing from the \(kind) of the policy",
          at: checkpoint.path, remedy: Self.remedy)
      }
    }
  }
}

extension TensorTable.Tensor {
  /// Whether a model's file may store this tensor in that type: matrices that are multiplied or looked up may have 16
  /// bits; positions, norms, biases and heads are float32.
  public func canBeStored(as type: TensorType) -> Bool {
    switch role {
    case .tokenEmbedding, .unembedding, .projection: type != .int8
    default: type == .float32
    }
  }
}
