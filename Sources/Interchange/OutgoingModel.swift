import Checkpoints
import Models
import Support

/// A checkpoint, not int8, prepared for export.
struct OutgoingModel {
  let architecture: Architecture
  let family: Family
  /// nil for a language model.
  let rewardHead: RewardHead?
  let file: ModelFile
  let parameters: any StoredParameters

  /// - Throws: `Failure(.badData)` for an int8 model, a value model, or an architecture that no other program computes.
  init(_ file: ModelFile) throws {
    self.file = file
    architecture = file.architecture
    let kind = file.checkpoint.training.kind
    guard kind != .value else {
      throw Failure(
        .badData, "is a value model, which other programs cannot use", at: file.checkpoint.path,
        remedy: "Export a language model or a reward model.")
    }
    parameters = try file.parameters()
    family = try Family(of: architecture, at: file.checkpoint.path)
    guard kind == .reward else {
      rewardHead = nil
      return
    }
    rewardHead = RewardHead(
      headBias: parameters.scalarHead!.bias[0], normalization: try file.normalization().map { ($0.gain, $0.bias) })
  }

  /// Our tensors, converted to those that they correspond to.
  func tensors(_ correspondences: [Correspondence<NamedShape>]) -> [TensorSource] {
    correspondences.flatMap { $0.sources(of: parameters.stored($0.ours.name)!) }
  }
}
