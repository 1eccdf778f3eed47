import Tensors

/// The memory that stages will take, block by block, known without running them.
public struct Plan: Codable, Equatable, Sendable {
  public struct Block: Codable, Equatable, Sendable {
    public let name: String
    public let bytes: Int
  }

  public struct StagePlan: Codable, Equatable, Sendable {
    public let stage: String
    /// What the blocks are for, in a fixed order.
    public let groups: [Block]
    public let blocks: [Block]
    /// Checkpoints used where they lie; a policy that learns counts as its private copy.
    public let mapped: [Block]
    public let bytes: Int
  }

  public let stages: [StagePlan]
  /// The largest stage's; one stage's memory is gone when the next begins.
  public let peakBytes: Int

  enum CodingKeys: String, CodingKey {
    case stages
    case peakBytes = "peak_bytes"
  }

  init(_ stages: [StagePlan]) {
    self.stages = stages
    peakBytes = stages.map(\.bytes).max() ?? 0
  }
}

extension Plan.StagePlan {
  init(_ stage: Stage, _ arena: Arena, mapped: [Plan.Block] = []) {
    let blocks = arena.blocks.map { Plan.Block(name: $0.name, bytes: $0.bytes) }
    self.init(
      stage: stage.rawValue,
      groups: Self.kinds.compactMap { kind in
        let bytes = blocks.filter { Self.kind($0.name) == kind }.reduce(0) { $0 + $1.bytes }
        return bytes > 0 ? Plan.Block(name: kind, bytes: bytes) : nil
      },
      blocks: blocks, mapped: mapped,
      bytes: (blocks + mapped).reduce(0) { $0 + $1.bytes })
  }

  private static let kinds = [
    "parameters", "int8 weights", "gradients", "moments", "activations", "KV cache", "workspaces",
  ]

  private static func kind(_ name: String) -> String {
    if name.hasPrefix("activation") || name.hasPrefix("heads/") { return "activations" }
    if name.hasPrefix("workspace/") { return "workspaces" }
    if name.hasPrefix("int8 ") { return "int8 weights" }
    if name.contains("key-value cache") { return "KV cache" }
    if name.contains("moments") { return "moments" }
    if name.contains("gradients") { return "gradients" }
    if name.contains("parameters") || name.contains("average") { return "parameters" }
    return "workspaces"
  }
}
