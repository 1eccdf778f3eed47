import Support

extension Inspection {
  /// Text for people.
  public var text: String {
    let a = shape
    let t = training
    var lines = [
      "\(Terminal.harmless(file)): \(t.kind) model\(t.isTrainingCheckpoint ? " in training" : ""), "
        + "\(Formatting.bytes(fileBytes)), format \(version)",
      "  architecture  \(a.layers) layers, d_model \(a.dModel), \(a.heads) heads "
        + "(\(a.kvHeads) key-value) of \(a.headDim), d_ff \(a.dFF)",
      "                vocabulary \(a.vocabulary), context \(a.context), \(name("norm")), "
        + "\(name("position")) positions, \(name("mlp"))\(a.features)",
      "  training      step \(t.step), seed \(t.seed)",
      "  identity      \(identity)",
      "  content hash  \(contentHash)\(verified ? " (verified)" : "")",
      "  tokenizer     \(tokenizerHash)",
    ]
    lines.append("  sections")
    lines += Self.table(
      sections.map { ["\($0.kind) \($0.role)", "at \($0.offset)", "\($0.bytes) bytes", $0.hash] })
    lines.append("  tensors")
    lines += Self.table(tensors.map(row))
    if tensors.contains(where: { $0.type == "\(TensorType.int8)" && $0.statistics != nil }) {
      lines.append("    " + TensorType.storedValues)
    }
    lines += provenanceLines
    if case .object(let object) = configuration, !object.isEmpty {
      lines.append("  configuration")
      lines += Self.pretty(configuration)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The name of a choice of the architecture.
  private func name(_ key: String) -> String { architecture[key]?.string ?? "" }

  private func row(_ tensor: Tensor) -> [String] {
    [
      "\(tensor.section) \(tensor.role)", tensor.name,
      tensor.dims.shape, tensor.type, tensor.hash,
      tensor.statistics?.text ?? "",
    ]
  }

  /// The stage and program version that made the file, its parents, and its provenance.
  private var provenanceLines: [String] {
    guard case .object(let object) = provenance else { return [] }
    let made = [("stage", "by stage "), ("program", "of tinyrlhf ")].compactMap { key, words in
      object[key]?.string.map { words + $0 }
    }
    var lines = [Terminal.harmless("  made          " + made.joined(separator: " "))]
    if !parents.isEmpty {
      lines.append("  parents")
      lines += parents.flatMap { $0.lines() }.map { "    \($0)" }
    }
    lines.append("  provenance")
    return lines + Self.pretty(provenance)
  }

  private static func pretty(_ value: JSONValue) -> [String] {
    guard let text = try? JSON.encode(value, pretty: true) else { return [] }
    return String(decoding: text, as: UTF8.self).split(separator: "\n").map { "    \($0)" }
  }

  /// Rows as lines; each column is as wide as its widest cell.
  private static func table(_ rows: [[String]]) -> [String] {
    guard let first = rows.first else { return [] }
    func width(_ cell: String) -> Int { cell.unicodeScalars.count }
    let widths = first.indices.map { column in rows.map { width($0[column]) }.max()! }
    return rows.map { row in
      var line = "   "
      var gap = 1
      for (cell, column) in zip(row, widths) where !cell.isEmpty {
        line += String(repeating: " ", count: gap) + cell
        gap = column - width(cell) + 2
      }
      return line
    }
  }
}

extension Architecture {
  /// Features that only some models have.
  fileprivate var features: String {
    var features: [String] = []
    if parallelResidual { features.append("parallel residual") }
    if queryKeyNorm { features.append("norms of queries and keys\(queryKeyNormSpansHeads ? " over all heads" : "")") }
    if normPlacement != .before {
      features.append("norms \(normPlacement == .after ? "after" : "before and after") each sub-layer")
    }
    if normUnitOffset { features.append("norms of 1 + weight") }
    if let ropeScaling { features.append("rope scaled by \(ropeScaling.factor)") }
    if window > 0 { features.append("window \(window)") }
    if let otherLayers { features.append(otherLayers.text(of: layers, rotary: position == .rotary)) }
    if let attentionScale { features.append("attention scaled by \(attentionScale)") }
    if attentionCap > 0 { features.append("attention capped at \(attentionCap)") }
    for (what, scale) in [("embeddings", embeddingScale), ("residuals", residualScale), ("logits", logitScale)]
    where scale != 1 {
      features.append("\(what) scaled by \(scale)")
    }
    if logitCap > 0 { features.append("logits capped at \(logitCap)") }
    return features.map { ", \($0)" }.joined()
  }
}

extension Architecture.OtherLayers {
  /// How many layers differ, and how: "5 layers with window 512 and rope theta 10000.0".
  fileprivate func text(of layers: Int, rotary: Bool) -> String {
    let count = (0..<layers).filter(contains).count
    var ways: [String] = []
    if window > 0 { ways.append("window \(window)") }
    if rotary { ways.append(rotaryTheta == 0 ? "no positions" : "rope theta \(rotaryTheta)") }
    return "\(count) layers with " + (ways.isEmpty ? "no window" : ways.joined(separator: " and "))
  }
}
