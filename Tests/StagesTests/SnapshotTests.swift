import Support
import TestSupport
import Testing
import Tokenizers

@testable import Diagnostics
@testable import Inference
@testable import Stages

@Suite struct SnapshotTests {
  @Test("training goes on with the models, the tokenizer and the data that it was begun with, or not at all")
  func origin() throws {
    let folder = TemporaryFolder()
    let path = folder.file("snapshot.trlhf")
    let model = try SelftestModel(threads: 1)
    func draft(
      parent: UInt64 = 1, data: UInt64 = 2, texts: [String] = ["one text"]
    ) throws -> CheckpointDraft {
      var provenance = try Provenance(
        stage: Stage.ppo.name, parents: [], data: [.init(name: "prompts", hash: data)], configuration: [:])
      provenance.parents = [.init(name: "sft", hash: parent)]
      return CheckpointDraft(
        kind: .ppo, architecture: SelftestModel.architecture,
        tokenizer: .train(on: texts, vocabularySize: 262), seed: 7, step: 1, provenance: provenance)
    }
    try model.snapshot.write(draft(), state: StageState(step: 1), to: path)
    #expect(try model.snapshot.restore(from: path, as: draft()).step == 1)
    for (other, what) in [
      (try draft(parent: 9), "other models"), (try draft(data: 9), "other data"),
      (try draft(texts: ["zzzzz zzzz"]), "another tokenizer"),
    ] {
      let failure = #expect(throws: Failure.self) {
        try model.snapshot.restore(from: path, as: other)
      }
      #expect(failure?.kind == .badData)
      #expect(
        failure?.description == """
          \(path): was begun with \(what) than now. Continue with the same models and data as before, or begin \
          a new run in another folder.
          """)
    }
  }

  @Test("of a damaged training checkpoint it is said that the stage goes on without it")
  func damage() throws {
    let folder = TemporaryFolder()
    let path = folder.file("sft-00000001.training.trlhf")
    let model = try SelftestModel(threads: 1)
    let draft = CheckpointDraft(
      kind: .ppo, architecture: SelftestModel.architecture,
      tokenizer: .train(on: ["one text"], vocabularySize: 262), seed: 7, step: 1,
      provenance: try Provenance(stage: Stage.ppo.name, parents: [], data: [], configuration: [:]))
    try model.snapshot.write(draft, state: StageState(step: 1), to: path)
    var bytes = try Files.read(path)
    bytes[bytes.count / 2] ^= 1
    try Files.writeAtomically(bytes, to: path)
    let failure = #expect(throws: Failure.self) { try model.snapshot.restore(from: path, as: draft) }
    #expect(failure?.kind == .badData && failure?.place?.hasPrefix(path) == true)
    #expect(failure?.remedy?.hasPrefix("Remove this file: the stage then goes on from") == true)
  }
}
