import Checkpoints
import Tensors

extension Architecture {
  /// The form in which the header page stores it.
  public var record: ArchitectureRecord {
    var flags: ArchitectureRecord.Flags = []
    if attentionBias { flags.insert(.attentionBias) }
    if mlpBias { flags.insert(.mlpBias) }
    if normBias { flags.insert(.normBias) }
    if tiedEmbeddings { flags.insert(.tiedEmbeddings) }
    if attentionBias && !attentionOutputBias { flags.insert(.noOutputBias) }
    if parallelResidual { flags.insert(.parallelResidual) }
    if queryKeyNorm { flags.insert(.headNorms) }
    if ropeScaling != nil { flags.insert(.ropeScaling) }
    // A value that does not fit is out of bounds even after clamping, so `validate` rejects it.
    func word(_ value: Int) -> UInt32 { UInt32(clamping: value) }
    return ArchitectureRecord(
      layers: word(layers), dModel: word(dModel), heads: word(heads), kvHeads: word(kvHeads),
      headDim: word(headDim), dFF: word(dFF), vocabulary: word(vocabulary),
      context: word(context), normKind: norm.rawValue, normEpsilon: normEpsilon,
      positionKind: position.rawValue, rotaryDims: word(rotaryDim), ropeTheta: rotaryTheta,
      mlpKind: mlp.rawValue, flags: flags, ropeFactor: ropeScaling?.factor ?? 0,
      ropeLowFrequencyFactor: ropeScaling?.lowFrequencyFactor ?? 0,
      ropeHighFrequencyFactor: ropeScaling?.highFrequencyFactor ?? 0,
      ropeOriginalContext: word(ropeScaling?.originalContext ?? 0))
  }

  init(_ r: ArchitectureRecord) {
    self.init(
      layers: Int(r.layers), dModel: Int(r.dModel), heads: Int(r.heads), kvHeads: Int(r.kvHeads),
      headDim: Int(r.headDim), dFF: Int(r.dFF), vocabulary: Int(r.vocabulary),
      context: Int(r.context), norm: NormKind(rawValue: r.normKind)!, normEpsilon: r.normEpsilon,
      position: PositionKind(rawValue: r.positionKind)!, rotaryDim: Int(r.rotaryDims),
      rotaryTheta: r.ropeTheta,
      ropeScaling: r.flags.contains(.ropeScaling)
        ? RotaryScaling(
          factor: r.ropeFactor, lowFrequencyFactor: r.ropeLowFrequencyFactor,
          highFrequencyFactor: r.ropeHighFrequencyFactor,
          originalContext: Int(r.ropeOriginalContext)) : nil,
      mlp: MLPKind(rawValue: r.mlpKind)!, attentionBias: r.flags.contains(.attentionBias),
      attentionOutputBias: r.flags.contains(.attentionBias) && !r.flags.contains(.noOutputBias),
      mlpBias: r.flags.contains(.mlpBias), normBias: r.flags.contains(.normBias),
      tiedEmbeddings: r.flags.contains(.tiedEmbeddings),
      parallelResidual: r.flags.contains(.parallelResidual),
      queryKeyNorm: r.flags.contains(.headNorms))
  }
}
