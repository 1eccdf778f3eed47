import Foundation
import Support
import TestSupport
import Testing

@testable import Interchange

/// How elements are stored; Tools/goldens/make_gguf.py says what each field is.
@Suite struct GGUFTypeTests {
  private struct Golden: Decodable {
    struct Stored: Decodable {
      var number: UInt32
      var block_elements, block_bytes: Int
      var blocks, values: String
    }

    var types: [String: Stored]
  }

  private func golden() throws -> [String: Golden.Stored] {
    let path = try #require(Bundle.module.path(forResource: "gguf", ofType: "json", inDirectory: "Goldens"))
    return try JSON.decode(Golden.self, from: Files.read(path), at: path).types
  }

  @Test("the values of every type have the bits that gguf gives them", arguments: GGUFTensorType.allCases)
  func values(type: GGUFTensorType) throws {
    let stored = try #require(try golden()[type.name])
    #expect(stored.number == type.rawValue)
    #expect(stored.block_elements == type.blockElements && stored.block_bytes == type.blockBytes)
    let expected = try InterchangeTests.Golden.Expected.floats(stored.values)
    // Not aligned to anything.
    let bytes = [0] + Array(try #require(Data(base64Encoded: stored.blocks)))
    let found = read(type, bytes, first: 0, count: expected.count)
    let differing = zip(found, expected).filter { $0.bitPattern != $1.bitPattern }
    #expect(expected.count >= 128 && differing.isEmpty, "\(differing.count): \(differing.prefix(3))")
    // From a later block on.
    let (first, count) = (expected.count / 2 / type.blockElements * type.blockElements, type.blockElements)
    #expect(read(type, bytes, first: first, count: count) == Array(expected[first..<first + count]))
  }

  private func read(_ type: GGUFTensorType, _ bytes: [UInt8], first: Int, count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      bytes.withUnsafeBytes {
        type.read($0.baseAddress! + 1, from: first, count: count, into: buffer.baseAddress!)
      }
      filled = count
    }
  }

  @Test("a type that is not read is refused by its name, and a vector in blocks, too")
  func refusals() throws {
    var file = RawGGUF.llama
    for (number, name) in [(20, "IQ4_NL"), (39, "MXFP4"), (26, "I32"), (99, "number 99")] as [(UInt32, String)] {
      file.tensors[0].type = number
      let message = error { _ = try file.archive() }
      #expect(message?.hasPrefix("x.gguf, tensor \"token_embd.weight\": its type is \(name), but the supported types are F32, F16, Q4_0") == true)
    }
    file.tensors = [.init(name: "v", dims: [32], type: 8, data: [UInt8](repeating: 0, count: 34))]
    let archive = try file.archive()
    #expect(
      error { _ = try archive.find("v", [32]) }
        == "x.gguf, tensor \"v\": its type is Q8_0, but a vector stored in blocks is not supported. Convert it to F32.")
  }

  @Test("a value that is too large for the wanted type is refused by its tensor, also if it is one of three")
  func tooLarge() throws {
    var file = RawGGUF.llama
    let index = try #require(file.tensors.firstIndex { $0.name == "blk.0.attn_v.weight" })
    file.tensors[index].data.replaceSubrange(0..<4, with: RawGGUF.floats([100_000]))
    let model = try GGUFModel(file.archive())
    func write(_ type: ElementType) -> String? {
      error {
        for tensor in model.tensors(as: .all(type), RoundingCount()) { try tensor.stream! { _ in } }
      }
    }
    #expect(
      write(.float16)
        == "x.gguf, tensor \"blk.0.attn_v.weight\": the value 100000.0 is too large for float16. "
        + "Import it with --dtype float32.")
    #expect(write(.bfloat16) == nil)
  }

  @Test("a value that is infinite or none is refused by its tensor", arguments: [Float.infinity, .nan])
  func infinite(value: Float) throws {
    var file = RawGGUF.llama
    file.tensors[3].data.replaceSubrange(40..<44, with: RawGGUF.floats([value]))
    let model = try GGUFModel(file.archive())
    let message = error { for tensor in model.tensors { try tensor.stream! { _ in } } }
    #expect(message?.hasPrefix("x.gguf, tensor \"blk.0.attn_q.weight\": a value is ") == true, "\(message ?? "taken")")
  }
}
