import Support
import Testing

@testable import Checkpoints

@Suite struct InspectionTests {
  private func object(_ checkpoint: Checkpoint, folder: String? = nil) throws -> JSONValue {
    let inspection = try Inspection(
      checkpoint, isVerified: false,
      statistics: TensorStatistics.of(checkpoint.tensors, threads: 1), folder: folder)
    return try JSON.decode(JSONValue.self, from: JSON.encode(inspection), at: "inspection")
  }

  @Test("an inspection holds what header, tables and values say")
  func whole() throws {
    let sample = Sample()
    let checkpoint = try Checkpoint(path: sample.write())
    let found = try object(checkpoint)
    #expect(found["version"] == .string("1.0"))
    #expect(found["identity"] == .string("0123456789abcdef"))
    #expect(found["architecture"]?["rope_theta"] == .number(10_000))
    #expect(found["training"]?["reserved"] == .array([1, 2, 3, 4, 5, 6].map { .number($0) }))
    let sections = found["sections"]?.array ?? []
    #expect(sections.count == checkpoint.header.sections.count)
    for (shown, record) in zip(sections, checkpoint.header.sections) {
      #expect(shown["offset"] == .number(Double(record.offset)))
      #expect(shown["bytes"] == .number(Double(record.storedBytes)))
      #expect(shown["hash"] == .string(Hexadecimal.text(record.hash)))
    }
    let tensors = found["tensors"]?.array ?? []
    #expect(tensors.count == 10)
    for (shown, record) in zip(tensors, checkpoint.header.tensors) {
      #expect(shown["name"] == .string(record.name))
      #expect(shown["offset"] == .number(Double(record.offset)))
      #expect(shown["hash"] == .string(Hexadecimal.text(record.hash)))
      #expect(shown["statistics"]?["nan"] == .number(0))
    }
    let text = try Inspection(checkpoint, isVerified: false).text
    for record in checkpoint.header.tensors {
      #expect(text.contains(record.name) && text.contains(Hexadecimal.text(record.hash)))
    }
  }

  @Test("where values of int8 tensors are shown, it is said that they are those that are stored")
  func storedValues() throws {
    let note = "int8: of the stored values, which are the weights balanced and rotated (FORMAT.md)"
    let (sample, plain) = (Sample(), Sample(floats: [1]))
    let checkpoint = try Checkpoint(path: sample.write())
    func text(_ tensors: Bool) throws -> String {
      let statistics = tensors ? try TensorStatistics.of(checkpoint.tensors, threads: 1) : nil
      return try Inspection(checkpoint, isVerified: false, statistics: statistics).text
    }
    #expect(try text(true).contains(note) && !text(false).contains(note))
    #expect(try TensorShow(checkpoint.tensor(called: "wide"), of: checkpoint, threads: 1).text.contains(note))
    #expect(try !TensorShow(checkpoint.tensor(called: "brain"), of: checkpoint, threads: 1).text.contains(note))
    let floats = try Checkpoint(path: plain.write())
    let statistics = try TensorStatistics.of(floats.tensors, threads: 1)
    #expect(try !Inspection(floats, isVerified: false, statistics: statistics).text.contains(note))
    withExtendedLifetime((checkpoint, floats)) {}
  }

  /// A file with this identity whose provenance names these parents.
  private func write(
    _ name: String, _ sample: Sample, identity: UInt64, parents: [(String, UInt64)]
  ) throws -> String {
    sample.contents.identity = identity
    let list = parents.map { name, identity in
      JSONValue.object(["name": .string(name), "hash": .string(Hexadecimal.text(identity))])
    }
    sample.contents.provenance = try JSON.encode(JSONValue.object(["parents": .array(list)]))
    return try sample.write(name)
  }

  @Test("the chain of parents goes on through the files beside, and ends where they do or in a circle")
  func chain() throws {
    let sample = Sample()
    _ = try write("base.trlhf", sample, identity: 1, parents: [])
    _ = try write("sft.trlhf", sample, identity: 2, parents: [("base", 1)])
    _ = try write("reward.trlhf", sample, identity: 3, parents: [("sft", 2), ("circle", 4)])
    let path = try write(
      "ppo.trlhf", sample, identity: 4, parents: [("sft", 2), ("reward", 3), ("gone\u{1B}", 9)])
    let checkpoint = try Checkpoint(path: path)
    let parents = Ancestry.parents(of: checkpoint, in: sample.folder.path)
    #expect(
      parents.flatMap { $0.lines() } == [
        "← sft 0000000000000002, sft.trlhf",
        "    ← base 0000000000000001, base.trlhf",
        "← reward 0000000000000003, reward.trlhf",
        "    ← sft 0000000000000002, sft.trlhf",
        "        ← base 0000000000000001, base.trlhf",
        "    ← circle 0000000000000004",
        "← gone\u{FFFD} 0000000000000009",
      ])
    let alone = Ancestry.parents(of: checkpoint, in: nil)
    #expect(alone.map(\.file) == [nil, nil, nil] && alone.allSatisfy(\.parents.isEmpty))
  }

  @Test("files that name each other many times over end the chain of parents, not the program")
  func family() throws {
    let sample = Sample()
    for identity in 1...20 {
      let next = ("next", UInt64(identity + 1))
      _ = try write(
        "\(identity).trlhf", sample, identity: UInt64(identity),
        parents: Array(repeating: next, count: 16))
    }
    let checkpoint = try Checkpoint(path: "\(sample.folder.path)/1.trlhf")
    let lines = Ancestry.parents(of: checkpoint, in: sample.folder.path).flatMap { $0.lines() }
    #expect(lines.count > 20 && lines.count < 300, "\(lines.count)")
  }

  @Test("a provenance of any other shape is shown and breaks nothing")
  func strangeProvenance() throws {
    for text in ["[]", "7", #"{"parents":7}"#, #"{"parents":[7,{"name":"x"}]}"#] {
      let sample = Sample()
      sample.contents.provenance = Array(text.utf8)
      let checkpoint = try Checkpoint(path: sample.write())
      #expect(Ancestry.parents(of: checkpoint, in: sample.folder.path).isEmpty)
      let inspection = try Inspection(checkpoint, isVerified: false, folder: sample.folder.path)
      #expect(inspection.text.hasPrefix(checkpoint.path))
    }
  }
}
