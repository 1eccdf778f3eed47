import Support
import Testing

@testable import Checkpoints

@Suite struct RoundTripTests {
  @Test("what is written is read", arguments: [Checkpoint.Load.map, .read])
  func roundTrip(load: Checkpoint.Load) throws {
    let sample = Sample()
    let path = try sample.write()
    let checkpoint = try Checkpoint(path: path, verify: true, load: load)
    let contents = sample.contents
    #expect(checkpoint.architecture == contents.architecture)
    #expect(checkpoint.training == contents.training)
    #expect(checkpoint.identity == contents.identity)
    #expect(checkpoint.configuration == contents.configuration)
    #expect(checkpoint.tokenizer == contents.tokenizer)
    #expect(checkpoint.state == contents.state)
    #expect(checkpoint.provenance == contents.provenance)
    #expect(checkpoint.tensors(in: .weights, role: .reference).isEmpty)
    #expect(throws: Failure.self) { try checkpoint.sectionBytes(.weights, .reference) }
    var seen = 0
    for source in contents.tensors {
      let section = checkpoint.tensors(in: source.section, role: source.role)
      let tensor = try #require(section.first { $0.name == source.name })
      #expect(tensor.dims == source.dims && tensor.type == source.type)
      let found = tensor.parts
      let written = try source.pieces()
      #expect(found.count == (tensor.type == .int8 ? 4 : 1) && written.count == found.count)
      for (found, written) in zip(found, written) {
        #expect(UInt(bitPattern: found.baseAddress!) % 256 == 0)
        #expect(found.elementsEqual(written))
      }
      seen += 1
    }
    #expect(seen == 10)
    withExtendedLifetime(checkpoint) {}
  }

  @Test("tensors that are made when they are written give the file of tensors that lie in memory")
  func streams() throws {
    let sample = Sample()
    let whole = try Files.read(try sample.write())
    for piece in [1, 7, 64, 1 << 20] {
      var contents = sample.contents
      contents.tensors = try sample.contents.tensors.map { source in
        let parts = try source.pieces()
        return TensorSource(
          section: source.section, role: source.role, name: source.name, dims: source.dims,
          type: source.type
        ) { put in
          for part in parts {
            for first in stride(from: 0, to: part.count, by: piece) {
              try part[first..<min(first + piece, part.count)].withUnsafeBytes(put)
            }
          }
        }
      }
      let path = sample.folder("streamed.trlhf")
      try CheckpointWriter.write(contents, to: path)
      #expect(try Files.read(path) == whole, "\(piece)")
    }
  }

  @Test("a stream that gives too few bytes, or too many, leaves no file", arguments: [3, 5, 8])
  func wrongStreams(count: Int) throws {
    let sample = Sample()
    sample.contents.tensors[1] = TensorSource(
      section: .weights, role: .policy, name: "norm", dims: [1], type: .float32
    ) { put in
      for byte in [UInt8](repeating: 0, count: count) { try withUnsafeBytes(of: byte, put) }
    }
    let error = #expect(throws: Failure.self) { try sample.write("wrong.trlhf") }
    #expect(error?.description == "norm: was given \(count < 4 ? "fewer" : "more") bytes than its dims need")
    #expect(sample.folder.names.isEmpty)
  }

  @Test("a stream without factors leaves no file")
  func noFactors() throws {
    let sample = Sample()
    let source = sample.contents.tensors[5]
    sample.contents.tensors[5] = TensorSource(
      section: source.section, role: source.role, name: source.name, dims: source.dims, type: .int8
    ) { put in
      for part in try source.pieces().dropLast() { try part.withUnsafeBytes(put) }
    }
    let error = #expect(throws: Failure.self) { try sample.write("wrong.trlhf") }
    #expect(error?.description == "codes: was given fewer bytes than its dims need")
    #expect(sample.folder.names.isEmpty)
  }

  @Test("the same contents give the same bytes")
  func sameBytes() throws {
    let (a, b) = (Sample(), Sample())
    #expect(try Files.read(a.write()) == Files.read(b.write()))
  }

  @Test("a float section is one buffer in which every tensor lies at the next multiple of 256 bytes")
  func placement() throws {
    let sample = Sample()
    let checkpoint = try Checkpoint(path: sample.write())
    let tensors = checkpoint.tensors(in: .weights, role: .policy)
    var (offsets, total): ([Int], Int) = ([], 0)
    for tensor in tensors {
      offsets.append((total + 255) / 256 * 256)
      total = offsets.last! + tensor.bytes.count
    }
    let section = try checkpoint.sectionBytes(.weights, .policy)
    #expect(tensors.map { $0.bytes.baseAddress! - section.baseAddress! } == offsets && section.count == total)
    withExtendedLifetime(checkpoint) {}
  }

  @Test("writing to a private mapping leaves the file as it is")
  func copyOnWrite() throws {
    let sample = Sample()
    let path = try sample.write()
    let before = try Files.read(path)
    let checkpoint = try Checkpoint(path: path, access: .copyOnWrite)
    let other = try Checkpoint(path: path)
    let mine = checkpoint.tensors(in: .weights, role: .policy)[0].floats
    let theirs = other.tensors(in: .weights, role: .policy)[0].floats
    mine[0] = theirs[0] + 1
    #expect(try Files.read(path) == before)
    #expect(mine[0] == theirs[0] + 1)
    withExtendedLifetime((checkpoint, other)) {}
  }

  @Test("equal content has an equal hash, whatever made it and whatever it is called")
  func contentHash() throws {
    let sample = Sample()
    let first = try CheckpointWriter.write(sample.contents, to: sample.folder("a.trlhf"))
    sample.contents.identity = 1
    sample.contents.configuration = [UInt8](repeating: 0x20, count: 100_000)
    #expect(try CheckpointWriter.write(sample.contents, to: sample.folder("b.trlhf")) == first)
    sample.contents.training.step += 1
    #expect(try CheckpointWriter.write(sample.contents, to: sample.folder("c.trlhf")) != first)
    #expect(try Checkpoint(path: sample.folder("a.trlhf")).contentHash == first)
  }

  @Test("an identity depends on each of its parts")
  func identity() {
    let base = CheckpointWriter.identity(parents: [1, 2], configuration: [3], seed: 4, step: 5)
    let others = [
      CheckpointWriter.identity(parents: [2, 1], configuration: [3], seed: 4, step: 5),
      CheckpointWriter.identity(parents: [1], configuration: [3], seed: 4, step: 5),
      CheckpointWriter.identity(parents: [1, 2], configuration: [4], seed: 4, step: 5),
      CheckpointWriter.identity(parents: [1, 2], configuration: [3], seed: 5, step: 5),
      CheckpointWriter.identity(parents: [1, 2], configuration: [3], seed: 4, step: 6),
    ]
    #expect(Set(others + [base]).count == 6)
  }
}
