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

  /// The tensors of the trunk and the scalar head.
  private let trunkSection, headSection: CheckpointSection

  /// The size of the trunk in the file [bytes].
  public var weightBytes: Int { trunkSection.bytes }

  /// Tensor name of a reward model's gain and bias, [2], in the HEAD section.
  public static let normalizationName = "head.normalization"

  /// - Throws: `Failure(.badData)` if the tensors do not match the architecture.
  public init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    architecture = checkpoint.architecture
    try architecture.validate(at: checkpoint.path)
    trunkSection = CheckpointSection(checkpoint, .weights, .policy)
    headSection = CheckpointSection(checkpoint, .head, .policy)
    guard !trunkSection.tensors.isEmpty else {
      throw Failure(.badData, "has no WEIGHTS section of the policy", at: checkpoint.path, remedy: trunkSection.advice)
    }
    try trunkSection.requireRoom(for: architecture)
    layout = ParameterLayout(architecture, scalarHead: checkpoint.training.kind.hasScalarHead)
    isInt8 = trunkSection.tensors.contains { $0.type == .int8 }
    isFloat32 = trunkSection.tensors.allSatisfy { $0.type == .float32 }
    if !isInt8 {
      try Self.require(layout.trunk, in: trunkSection)
      try Self.require(layout.head, in: headSection)
      try requireNoOther(than: Set(layout.trunk.map(\.name)))
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
      let tensors = trunkSection.tensors.prefix(layout.trunk.count) + headSection.tensors.prefix(layout.head.count)
      return MappedParameters(
        layout, Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.stored!) }), self)
    }
    func base(_ kind: SectionKind) throws -> UnsafeMutablePointer<Float> {
      let bytes = try checkpoint.sectionBytes(kind, .policy)
      return bytes.baseAddress!.assumingMemoryBound(to: Float.self)
    }
    return ParameterSet(
      layout, trunk: try base(.weights), head: layout.hasScalarHead ? try base(.head) : nil,
      owner: self)
  }

  /// Gain and bias of a reward model; nil for a reward model of another program, which has no normalisation.
  ///
  /// - Throws: `Failure(.badData)` if the tensor is not two finite float32 numbers.
  public func normalization() throws -> RewardNormalization? {
    guard let tensor = headSection.tensor(Self.normalizationName) else { return nil }
    guard tensor.type == .float32, tensor.dims == [2], tensor.floats[0].isFinite, tensor.floats[1].isFinite else {
      throw Failure(
        .badData, "the tensor \(tensor.name) is not two finite float32 numbers, gain and bias", at: checkpoint.path,
        remedy: "Train it with `tinyrlhf reward`, which measures its gain and bias.")
    }
    return RewardNormalization(gain: tensor.floats[0], bias: tensor.floats[1])
  }

  /// The weights to compute with, as they are stored in the file.
  ///
  /// - Throws: `Failure(.badData)` if a tensor of an int8 model is missing, unknown or invalid.
  public func weights() throws -> TransformerWeights {
    guard isInt8 else { return TransformerWeights(try parameters()) }
    let projections = try QuantizedWeights.projections(of: layout).map { projection in
      let found = try trunkSection.find(projection.name, projection.dims)
      let packed = try Self.require(found, as: [.int8]).packed!
      return QuantizedWeights.Projection(
        name: projection.name,
        matrix: Int8Matrix(
          outputs: found.dims[0], inputs: found.dims[1], codes: packed.codes, scales: packed.scales,
          rowSums: packed.rowSums, factors: packed.factors))
    }
    func floats(_ name: String, _ dims: [Int]) throws -> UnsafeMutablePointer<Float> {
      try Self.require(trunkSection.find(name, dims), as: [.float32]).floats
    }
    let names = Set(projections.map(\.name))
    var others: [String: UnsafeMutablePointer<Float>] = [:]
    for wanted in layout.trunk where !names.contains(wanted.name) {
      others[wanted.name] = try floats(wanted.name, wanted.dims)
    }
    let a = architecture
    let keyFactors = try floats(QuantizedWeights.keyFactorsName, [a.layers, a.kvHeads, a.headDim])
    try requireNoOther(than: names.union(others.keys).union([QuantizedWeights.keyFactorsName]))
    try Self.requireFactors(keyFactors, a.layers * a.keyValueWidth, checkpoint)
    return QuantizedWeights(layout, projections: projections, keyFactors: keyFactors).weights { others[$0] }
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

  private static let unembedding = "unembedding.weight"

  private func requireNoOther(than used: Set<String>) throws {
    if architecture.tiedEmbeddings, trunkSection.tensor(Self.unembedding) != nil {
      throw Failure(
        .badData, "has its own unembedding, but its header says that the unembedding is the token embedding",
        at: checkpoint.path, remedy: trunkSection.advice)
    }
    try trunkSection.requireNoOther(than: used, of: "model")
  }

  /// Requires the tensors of a layout, in its order, so that a float32 section can be used as one buffer.
  private static func require(_ wanted: TensorTable, in section: CheckpointSection) throws {
    for (index, tensor) in wanted.enumerated() {
      let found = try section.find(tensor.name, tensor.dims)
      try require(found, as: TensorType.allCases.filter(tensor.canBeStored))
      guard section.tensors[index].name == tensor.name else {
        throw Failure(
          .badData, "it is not in its place, where \"\(section.tensors[index].name)\" is", at: found.place,
          remedy: section.advice)
      }
    }
  }

  @discardableResult
  private static func require(_ tensor: StoredTensor, as types: [TensorType]) throws -> StoredTensor {
    guard types.contains(where: { $0 == tensor.type }) else {
      throw Failure(
        .badData, "its type is \(tensor.typeName), but it must be \(types.map { "\($0)" }.joined(separator: " or "))",
        at: tensor.place, remedy: remedy)
    }
    return tensor
  }

  /// Remedy for errors that a file written by this program cannot have.
  public static let remedy = CheckpointSection.advice
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
