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
    let stored = file.checkpoint.tensors(in: .head, role: .policy)
      .first { $0.name == ModelFile.normalizationName && $0.type == .float32 && $0.dims == [2] }
    rewardHead = RewardHead(
      headBias: parameters.scalarHead!.bias[0], normalization: stored.map { ($0.floats[0], $0.floats[1]) })
  }

  /// Our tensors, converted to those that they correspond to.
  func tensors(_ correspondences: [Correspondence]) -> [OutgoingTensor] {
    correspondences.flatMap { OutgoingTensor.parts($0, of: parameters.stored($0.ours.name)!) }
  }
}
