import Models

/// llama.cpp's names of the families, their metadata and their tensors; used for import and export.
extension Family {
  var ggufName: String { self == .gptNeoX ? "gptneox" : modelType }

  static let ggufEmbedding = "token_embd.weight"
  static let ggufUnembedding = "output.weight"

  /// Every tensor of a language model, in the layout's order.
  /// - Parameter positions: rows of their table of positions; ours may have fewer.
  func ggufCorrespondences(_ layout: ParameterLayout, positions: Int) -> [Correspondence] {
    layout.trunk.map { ggufCorrespondence($0, layout.architecture, positions: positions) }
  }

  private func ggufCorrespondence(
    _ ours: ParameterLayout.Tensor, _ a: Architecture, positions: Int
  ) -> Correspondence {
    let dot = ours.name.lastIndex(of: ".")!
    let (module, suffix) = (String(ours.name[..<dot]), String(ours.name[dot...]))
    func parts(_ names: [String], _ rows: [Int]) -> [Correspondence.Part] {
      zip(names, rows).map { .init(name: $0 + suffix, dims: [$1] + ours.dims.dropFirst()) }
    }
    func whole(_ name: String, rows: Int? = nil) -> Correspondence {
      Correspondence(ours, stacked: parts([name], [rows ?? ours.dims[0]]), rows: [ours.dims[0]])
    }
    if let name = Self.outerNames[module] {
      return whole(name, rows: module == "position_embedding" ? positions : nil)
    }
    let words = module.split(separator: ".", maxSplits: 2)
    let block = "blk.\(words[1])."
    switch (String(words[2]), self) {
    case ("attention.qkv", .llama), ("attention.qkv", .qwen2), ("attention.qkv", .qwen3):
      let rows = [a.queryWidth, a.keyValueWidth, a.keyValueWidth]
      let parts = parts(["q", "k", "v"].map { "\(block)attn_\($0)" }, rows)
      guard self == .llama else { return Correspondence(ours, stacked: parts, rows: rows) }
      return Correspondence(ours, parts, .rows(Self.turnedInPairs(a)))
    case ("mlp.gate_up", _):
      let rows = [a.dFF, a.dFF]
      return Correspondence(ours, stacked: parts(["\(block)ffn_gate", "\(block)ffn_up"], rows), rows: rows)
    case (let module, _): return whole(block + Self.innerNames[module]!)
    }
  }

  private static let outerNames = [
    "token_embedding": "token_embd", "position_embedding": "position_embd", "final_norm": "output_norm",
    "unembedding": "output",
  ]

  private static let innerNames = [
    "norm1": "attn_norm", "norm2": "ffn_norm", "attention.qkv": "attn_qkv", "attention.output": "attn_output",
    "attention.query_norm": "attn_q_norm", "attention.key_norm": "attn_k_norm", "mlp.up": "ffn_up",
    "mlp.down": "ffn_down",
  ]

  /// llama.cpp's Llama rotates neighbouring elements of a head together, not one element of each half.
  private static func turnedInPairs(_ a: Architecture) -> [Correspondence.Run] {
    let half = a.headDim / 2
    func turned(_ part: Int, heads: Int, first: Int) -> [Correspondence.Run] {
      (0..<heads * a.headDim).map { row in
        let (head, i) = (row / a.headDim, row % a.headDim)
        return Correspondence.Run(
          first: first + row, part: part, theirs: head * a.headDim + 2 * (i % half) + i / half, count: 1)
      }
    }
    return turned(0, heads: a.heads, first: 0) + turned(1, heads: a.kvHeads, first: a.queryWidth)
      + [.init(first: a.queryWidth + a.keyValueWidth, part: 2, theirs: 0, count: a.keyValueWidth)]
  }
}
