import Checkpoints

extension Architecture {
  /// As the header page stores it.
  public var record: ArchitectureRecord {
    var flags: ArchitectureRecord.Flags = []
    if attentionBias { flags.insert(.attentionBias) }
    if mlpBias { flags.insert(.mlpBias) }
    if normBias { flags.insert(.normBias) }
    if tiedEmbeddings { flags.insert(.tiedEmbeddings) }
    // What does not fit is out of bounds either way, and `validate` refuses it.
    func word(_ value: Int) -> UInt32 { UInt32(clamping: value) }
    return ArchitectureRecord(
      layers: word(layers), dModel: word(dModel), heads: word(heads), kvHeads: word(kvHeads),
      headDim: word(headDim), dFF: word(dFF), vocabulary: word(vocabulary),
      context: word(context), normKind: norm.rawValue, normEpsilon: normEpsilon,
      positionKind: position.rawValue, rotaryDims: word(rotaryDim), ropeTheta: rotaryTheta,
      mlpKind: mlp.rawValue, flags: flags)
  }

  init(_ r: ArchitectureRecord) {
    self.init(
      layers: Int(r.layers), dModel: Int(r.dModel), heads: Int(r.heads), kvHeads: Int(r.kvHeads),
      headDim: Int(r.headDim), dFF: Int(r.dFF), vocabulary: Int(r.vocabulary),
      context: Int(r.context), norm: NormKind(rawValue: r.normKind)!, normEpsilon: r.normEpsilon,
      position: PositionKind(rawValue: r.positionKind)!, rotaryDim: Int(r.rotaryDims),
      rotaryTheta: r.ropeTheta, mlp: MLPKind(rawValue: r.mlpKind)!,
      attentionBias: r.flags.contains(.attentionBias), mlpBias: r.flags.contains(.mlpBias),
      normBias: r.flags.contains(.normBias), tiedEmbeddings: r.flags.contains(.tiedEmbeddings))
  }
}
