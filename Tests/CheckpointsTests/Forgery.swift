import Support
import Testing

@testable import Checkpoints

/// A file's bytes to be damaged, with the means to put the checksums right again, so that the rule
/// under test is what refuses them.
struct Forgery {
  var bytes: [UInt8]
  let header: Header

  /// Of a small file: sections CONFIG, TOKENIZER, WEIGHTS of the policy and of the value model, HEAD,
  /// MOMENTS, STATE, PROVENANCE; tensors 0…2 are the policy's, 3…6 the value model's (float32, bfloat16,
  /// int8 twice), 7 and 8 the head's, 9 a moment.
  init() throws { try self.init(Sample(rows: 3)) }

  init(_ sample: Sample) throws {
    let path = try sample.write()
    bytes = try Files.read(path)
    header = try Checkpoint(path: path).header
  }

  func section(_ index: Int) -> Int { 4096 + 64 * index }
  func tensor(_ index: Int) -> Int { 4096 + 64 * header.sections.count + 128 * index }
  /// Where tensor `index` lies in the file.
  func data(_ index: Int) -> Int {
    let tensor = header.tensors[index]
    return header.sections[tensor.section].offset + tensor.offset
  }

  mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) {
      bytes.replaceSubrange(offset..<offset + $0.count, with: $0)
    }
  }

  /// A little-endian number of 1, 2, 4 or 8 bytes.
  mutating func put(_ value: UInt64, width: Int, at offset: Int) {
    for byte in 0..<width { put(UInt8(truncatingIfNeeded: value >> (8 * UInt64(byte))), at: offset + byte) }
  }

  /// Makes the checksum true again, over the tables as long as the header now says.
  mutating func sealTables() {
    let count = bytes.withUnsafeBytes { 4096 + 64 * Int($0.u32(64)) + 128 * Int($0.u32(68)) }
    let tables = bytes.prefix(count)
    put(Array(tables).withUnsafeBytes { Header.checksum($0) }, at: Header.checksumOffset)
  }

  /// Makes every hash that covers these tensors true again.
  mutating func sealTensors(_ indices: Int...) {
    func hash(_ start: Int, _ count: Int) -> UInt64 {
      var hash = BlockHash()
      hash.update(Array(bytes[start..<start + count]))
      return hash.finish()
    }
    var changed = header
    for index in indices {
      let tensor = header.tensors[index]
      let section = header.sections[tensor.section]
      changed.tensors[index].hash = hash(data(index), tensor.end - tensor.offset)
      changed.sections[tensor.section].hash = hash(section.offset, section.storedBytes)
      put(changed.tensors[index].hash, at: self.tensor(index) + 120)
      put(changed.sections[tensor.section].hash, at: self.section(tensor.section) + 40)
    }
    put(changed.contentHash, at: 40)
    sealTables()
  }
}

func open(_ bytes: [UInt8], verify: Bool = false, threads: Int = 1) throws {
  let checkpoint = try bytes.withUnsafeBytes { try Checkpoint(bytes: $0, name: "forged.trlhf") }
  if verify { try checkpoint.verify(threads: threads) }
}

/// Expects a refusal in exactly these words: `name, byte N (record): what. Remedy`
func expectRefusal(
  _ bytes: [UInt8], _ message: String, verify: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let failure = refusal(bytes, verify: verify)
  #expect(failure?.kind == .badData, sourceLocation: sourceLocation)
  #expect(failure?.description == message, sourceLocation: sourceLocation)
}

/// Opens and returns the refusal; records an issue if there is none.
func refusal(_ bytes: [UInt8], verify: Bool = false, threads: Int = 1) -> Failure? {
  do {
    try open(bytes, verify: verify, threads: threads)
    Issue.record("a damaged file was accepted")
  } catch let failure as Failure {
    return failure
  } catch {
    Issue.record("not a Failure: \(error)")
  }
  return nil
}

