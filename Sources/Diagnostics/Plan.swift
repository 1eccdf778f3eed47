import Evaluation
import Stages
import Support
import Tensors

/// The memory that stages will use, block by block, computed without running them.
public struct Plan: Codable, Equatable, Sendable {
  public struct Block: Codable, Equatable, Sendable {
    public let name: String
    public let bytes: Int
  }

  public struct StagePlan: Codable, Equatable, Sendable {
    public let stage: String
    /// The blocks summed by purpose, in a fixed order.
    public let groups: [Block]
    public let blocks: [Block]
    /// Mapped checkpoints. A policy that is trained counts with its private copy.
    public let mapped: [Block]
    /// The program itself: code, stacks, threads, tokenizer and data.
    public let programBytes: Int
    /// The sum of everything.
    public let bytes: Int

    enum CodingKeys: String, CodingKey {
      case stage, groups, blocks, mapped, bytes
      case programBytes = "program_bytes"
    }
  }

  public let stages: [StagePlan]
  /// The memory of the largest stage; a stage's memory is freed before the next one starts.
  public let peakBytes: Int
  /// The memory that is available to a process now, and what limits it; nil if unknown.
  public let availableBytes: Int?
  public let limit: AvailableMemory.Limit?
  public let fits: Bool?

  enum CodingKeys: String, CodingKey {
    case stages, limit, fits
    case peakBytes = "peak_bytes"
    case availableBytes = "available_bytes"
  }

  init(_ stages: [StagePlan], available: AvailableMemory?) {
    self.stages = stages
    peakBytes = stages.map(\.bytes).max() ?? 0
    availableBytes = available?.bytes
    limit = available?.limit
    fits = availableBytes.map { [peakBytes] in peakBytes <= $0 }
  }
}

extension Plan.StagePlan {
  /// - Parameter program: bytes of the program itself.
  init(_ stage: Stage, _ arena: Arena, mapped: [Plan.Block] = [], program: Int) {
    let blocks = arena.blocks.map { Plan.Block(name: $0.name, bytes: $0.bytes) }
    self.init(
      stage: stage.name,
      groups: Self.kinds.compactMap { kind in
        let bytes = blocks.filter { Self.kind($0.name) == kind }.reduce(0) { $0.adding(atMost: $1.bytes) }
        return bytes > 0 ? Plan.Block(name: kind, bytes: bytes) : nil
      },
      blocks: blocks, mapped: mapped, programBytes: program,
      bytes: (blocks + mapped).reduce(program) { $0.adding(atMost: $1.bytes) })
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
