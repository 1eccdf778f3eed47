import Support
import Testing

@testable import Checkpoints

@Suite struct DifferenceTests {
  private func difference(
    _ a: String, _ b: String, threads: Int = 1
  ) throws -> CheckpointDifference {
    let (a, b) = (try Checkpoint(path: a), try Checkpoint(path: b))
    defer { withExtendedLifetime((a, b)) {} }
    return try CheckpointDifference(a, b, threads: threads)
  }

  @Test("a checkpoint does not differ from itself, also where its sections lie elsewhere")
  func same() throws {
    let sample = Sample()
    let (a, b) = (try sample.write("a.trlhf"), try sample.write("b.trlhf"))
    // Blanks behind the JSON take larger slots, and the same facts.
    try Checkpoint.editConfiguration(b) { $0 + [UInt8](repeating: 0x20, count: 100_000) }
    let found = try difference(a, b)
    #expect(found.same && found.equalTensors == 10 && found.text.isEmpty, "\(found)")
  }

  @Test("a changed element is counted and measured, and only in its tensor, for any threads")
  func element() throws {
    let sample = Sample()
    let (a, b) = (try sample.write("a.trlhf"), try sample.write("b.trlhf"))
    let changed = try Checkpoint(path: b, access: .copyOnWrite)
    let tensor = try changed.tensor(called: "policy/embedding")
    let old = tensor.floats[77]
    tensor.floats[77] += 2
    let largest = Double(tensor.floats[77]) - Double(old)
    tensor.floats[2399] = -tensor.floats[2399] * 1.0001
    try CheckpointWriter.write(sample.contents.with(changed), to: b)
    let found = try difference(a, b)
    #expect(found.fields.isEmpty && found.onlyInA.isEmpty && found.onlyInB.isEmpty && !found.same)
    let one = try #require(found.tensors.first)
    #expect(found.tensors.count == 1 && found.equalTensors == 9)
    #expect(one.tensor == "weights/policy/embedding" && one.differing == 2)
    let original = try Checkpoint(path: a)
    let values = try original.tensor(called: "policy/embedding").floats
    var (squares, reference, most) = (0.0, 0.0, largest)
    for i in 0..<2400 {
      let d = Double(values[i]) - Double(tensor.floats[i])
      squares += d * d
      reference += Double(values[i]) * Double(values[i])
      most = max(most, abs(d))
    }
    #expect(one.maximumAbsolute == most)
    #expect(abs(one.relativeL2! - (squares / reference).squareRoot()) < 1e-12)
    for threads in 2...3 {
      let again = try difference(a, b, threads: threads)
      #expect(try JSON.encode(again) == JSON.encode(found))
    }
    withExtendedLifetime((changed, original)) {}
  }

  @Test("values of other types and shapes are compared as far as they can be")
  func types() throws {
    let sample = Sample()
    let a = try sample.write("a.trlhf")
    let other = Sample()
    // The values that are stored as codes stand for others.
    other.replace("codes", by: [Float](repeating: 1, count: 85), dims: [17, 5])
    other.replace("cube", by: [1, 2, 3], dims: [3])
    other.contents.tensors.removeAll { $0.name == "gain" }
    other.replace("norm", by: [.nan, 0, 0], dims: [3])
    let b = other.folder("b.trlhf")
    try CheckpointWriter.write(other.contents, to: b)
    let found = try difference(a, b)
    #expect(found.onlyInA == ["head/reward/gain"] && found.onlyInB.isEmpty)
    let tensors = Dictionary(uniqueKeysWithValues: found.tensors.map { ($0.tensor, $0) })
    #expect(tensors.count == 3)
    let int8 = try #require(tensors["weights/value/codes"])
    #expect(int8.typeA == "int8" && int8.typeB == "float32")
    #expect(int8.differing == nil && int8.maximumAbsolute == nil && int8.relativeL2 == nil)
    let apart = "int8 | float32, not compared: int8 values are stored balanced and rotated (FORMAT.md)"
    #expect(found.text.contains("weights/value/codes: \(apart)\n"), "\(found.text)")
    let cube = try #require(tensors["weights/policy/cube"])
    #expect(cube.dimsA == [2, 3, 5, 7] && cube.dimsB == [3] && cube.differing == nil)
    let norm = try #require(tensors["weights/policy/norm"])
    #expect(norm.differing == 3 && norm.maximumAbsolute == nil)
  }

  @Test("int8 tensors are compared as they are stored; one whose factors alone differ is not the same")
  func int8() throws {
    let sample = Sample()
    let (a, b) = (try sample.write("a.trlhf"), try sample.write("b.trlhf"))
    let changed = try Checkpoint(path: b, access: .copyOnWrite)
    let (codes, wide) = (try changed.tensor(called: "codes"), try changed.tensor(called: "wide"))
    // Code (0, 0) of the first row, whose scale is 1.
    codes.packed!.codes[0] = 7
    codes.packed!.rowSums[0] += 7
    wide.packed!.factors[69] = 1
    try CheckpointWriter.write(sample.contents.with(changed), to: b)
    let found = try difference(a, b)
    let tensors = Dictionary(uniqueKeysWithValues: found.tensors.map { ($0.tensor, $0) })
    #expect(tensors.count == 2 && found.equalTensors == 8 && !found.same)
    let one = try #require(tensors["weights/value/codes"])
    #expect(one.differing == 1 && one.maximumAbsolute == 7)
    let other = try #require(tensors["weights/value/wide"])
    #expect(other.differing == 0 && other.maximumAbsolute == 0)
    #expect(found.text.contains("codes: as stored, balanced and rotated, 1 of 85 elements differ"), "\(found.text)")
    withExtendedLifetime(changed) {}
  }

  @Test("every fact that differs is named with both values")
  func facts() throws {
    let (one, other) = (Sample(), Sample())
    other.contents.architecture.context = 65
    other.contents.training.seed = 1 << 63 | 35
    other.contents.training.kind = .sft
    other.contents.identity = 7
    other.contents.configuration = Array(#"{"name":"sample","note":"x"}"#.utf8)
    other.contents.tokenizer.append(0)
    other.contents.state = nil
    other.contents.provenance = Array(#"{"parents":[],"notes":{"world_seed":1}}"#.utf8)
    let found = try difference(one.write(), other.write())
    #expect(
      found.fields.map(\.field) == [
        "architecture.context", "configuration.note", "identity", "provenance.notes.world_seed",
        "state", "tokenizer", "training.kind", "training.seed",
      ])
    #expect(found.fields[0].a == .number(64) && found.fields[0].b == .number(65))
    #expect(found.fields[1].a == .null && found.fields[1].b == .string("x"))
    #expect(found.fields[7].b == .string("9223372036854775843"))
    #expect(found.text.contains("architecture.context: 64 | 65\n"), "\(found.text)")
  }
}
