import Support
import TestSupport
import Testing

@testable import Interchange

/// What is wrong with a file of weights has an error of its own each, with file and tensor.
@Suite struct MalformedSafetensorsTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.file("x.safetensors") }
  private static let damaged = "Copy the file again; it is damaged."

  private func refusal(_ bytes: [UInt8]) throws -> String? {
    try folder.write(bytes, to: "x.safetensors")
    let message = error { _ = try SafetensorsFile(path) }
    return message.map { String($0.dropFirst(path.count)) }
  }

  private func refusal(header: String, data: Int = 28) throws -> String? {
    try refusal(RawSafetensors(header: header, data: [UInt8](repeating: 0, count: data)).bytes())
  }

  private func refusal(_ tensors: String..., data: Int = 28) throws -> String? {
    try refusal(header: "{\(tensors.joined(separator: ","))}", data: data)
  }

  private func tensor(_ name: String, _ type: String, _ shape: [Int], _ first: Int, _ end: Int) -> String {
    "\"\(name)\":\(RawSafetensors.tensor(type, shape, first, end))"
  }

  @Test("a sound file is read, its texts left alone; an empty tensor, too")
  func sound() throws {
    #expect(try refusal(RawSafetensors.sound.bytes()) == nil)
    let file = try SafetensorsFile(path)
    let a = try #require(file.tensor("a"))
    #expect(a.dims == [2, 3] && a.bytes.count == 24 && a.typeName == "F32")
    #expect(
      try refusal(
        header: "{\"__metadata__\":{\"format\":\"pt\"},\(tensor("a", "U8", [28], 0, 28)),"
          + "\(tensor("b", "F32", [0, 9], 28, 28)),\(tensor("c", "F32", [3, 0], 0, 0))}") == nil)
  }

  @Test("a header that is no header")
  func headers() throws {
    #expect(
      try refusal([1, 2, 3]) == ": has 3 bytes, too few for the length of a header. \(Self.damaged)")
    let sound = RawSafetensors.sound
    let count = sound.bytes().count
    #expect(
      try refusal(sound.bytes(length: UInt64(count - 7)))
        == ": its header of \(count - 7) bytes ends beyond the file's \(count). \(Self.damaged)")
    #expect(
      try refusal(sound.bytes(length: .max))
        == ": its header of 18446744073709551615 bytes ends beyond the file's \(count). \(Self.damaged)")
    try folder.write(sound.bytes(length: 100_000_001), to: "x.safetensors")
    try folder.resize("x.safetensors", to: 1 << 30)
    #expect(
      error { _ = try SafetensorsFile(path) }
        == "\(path): its header has 100000001 bytes; the limit is 100000000. \(Self.damaged)")
    #expect(try refusal(header: "{\"a\":")?.hasPrefix(": this is not JSON: ") == true)
    #expect(try refusal(header: "[]")?.hasPrefix(": this is not") == true)
    #expect(try refusal([]) == ": is empty. Copy the file again.")
  }

  @Test("a name that stands twice")
  func duplicates() throws {
    let a = tensor("a", "F32", [7], 0, 28)
    #expect(
      try refusal(a, a)
        == ", byte \(8 + 1 + a.utf8.count + 1): the key \"a\" appears twice in one object. "
        + "Leave one of the two out.")
  }

  @Test("a tensor whose type, shape and bytes do not go together")
  func tensors() throws {
    #expect(
      try refusal(tensor("a", "Q4", [56], 0, 28))
        == ", tensor \"a\": its type \"Q4\" is unknown. Convert it to F32, F16 or BF16.")
    #expect(
      try refusal(tensor("a", "F32", [2, 4], 0, 28))
        == ", tensor \"a\": 28 bytes, but F32 [2, 4] needs 32. \(Self.damaged)")
    #expect(
      try refusal(tensor("a", "F32", [-7], 0, 28))
        == ", tensor \"a\": its dims [-7.0] are not whole numbers. \(Self.damaged)")
    #expect(
      try refusal(tensor("a", "F32", [1 << 40, 1 << 40], 0, 28))
        == ", tensor \"a\": its dims [1099511627776, 1099511627776] are too large. \(Self.damaged)")
    #expect(
      try refusal("\"a\":{\"dtype\":\"F32\",\"shape\":[7]}")
        == ": the key \"a.data_offsets\" is missing. Add it.")
    #expect(
      try refusal("\"a\":{\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[0,27.5]}")
        == ", tensor \"a\": its offsets [0.0, 27.5] are not whole numbers. \(Self.damaged)")
  }

  @Test("offsets that are reversed, reach too far, overlap or leave a hole")
  func offsets() throws {
    #expect(
      try refusal(tensor("a", "F32", [7], 28, 0))
        == ", tensor \"a\": its offsets are [28, 0]. \(Self.damaged)")
    #expect(
      try refusal("\"a\":{\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[0,28,56]}")
        == ", tensor \"a\": its offsets are [0, 28, 56]. \(Self.damaged)")
    #expect(
      try refusal(tensor("a", "F32", [8], 0, 32))
        == ", tensor \"a\": it ends at byte 32 of the data, which has 28. \(Self.damaged)")
    let (a, b) = (tensor("a", "F32", [4], 0, 16), tensor("b", "F32", [4], 12, 28))
    let start = 8 + "{\(a),\(b)}".utf8.count
    #expect(
      try refusal(a, b)
        == ", tensor \"b\": it begins at byte \(start + 12), before the tensor \"a\" ends at "
        + "\(start + 16). \(Self.damaged)")
    let c = tensor("c", "F32", [2], 20, 28)
    #expect(
      try refusal(a, c) == ": the bytes from \(start + 16) on belong to no tensor. \(Self.damaged)")
    #expect(try refusal(a) == ": the bytes from \(8 + a.utf8.count + 2 + 16) on belong to no tensor. \(Self.damaged)")
    #expect(try refusal(header: "{}") == ": the bytes from 10 on belong to no tensor. \(Self.damaged)")
  }
}

/// Shards and their index.
@Suite struct MalformedShardsTests {
  private let folder = TemporaryFolder()
  private var index: String { folder.file("model.safetensors.index.json") }
  private static let mixed = "Copy all shards from the same version of the model."

  private func shard(_ name: String, _ tensors: [String]) throws {
    let records = tensors.enumerated().map { number, tensor in
      "\"\(tensor)\":\(RawSafetensors.tensor("F32", [1], 4 * number, 4 * number + 4))"
    }
    let raw = RawSafetensors(
      header: "{\(records.joined(separator: ","))}", data: [UInt8](repeating: 0, count: 4 * tensors.count))
    try folder.write(raw.bytes(), to: name)
  }

  private func refusal(_ map: [String: String]) throws -> String? {
    try folder.write(JSON.encode(["weight_map": map]), to: "model.safetensors.index.json")
    return error { _ = try SafetensorsFolder(folder.path) }
  }

  @Test("shards that agree with their index are one model; one file goes before them")
  func sound() throws {
    try shard("1.safetensors", ["a", "b"])
    try shard("2.safetensors", ["c"])
    #expect(try refusal(["a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors"]) == nil)
    #expect(try SafetensorsFolder(folder.path).names == ["a", "b", "c"])
    try shard("model.safetensors", ["z"])
    #expect(try SafetensorsFolder(folder.path).names == ["z"])
  }

  @Test("a folder without weights")
  func none() {
    #expect(
      error { _ = try SafetensorsFolder(folder.path) }
        == "\(folder.path): has neither model.safetensors nor model.safetensors.index.json. "
        + "Name the folder of a model in Hugging Face's form, saved as safetensors.")
  }

  @Test("a shard that is missing, or lies outside")
  func missing() throws {
    try shard("1.safetensors", ["a"])
    #expect(
      try refusal(["a": "1.safetensors", "b": "2.safetensors"])
        == "\(index): the shard 2.safetensors is missing. Copy all shards of the model.")
    for name in ["../1.safetensors", "/etc/passwd", "1.bin", ""] {
      #expect(
        try refusal(["a": name])
          == "\(index): the shard \"\(name)\" is not a safetensors file of this folder. "
          + "Keep the shards beside the index.")
    }
  }

  @Test("a tensor that is not where the index says, that is there twice, or that it does not name")
  func places() throws {
    try shard("1.safetensors", ["a"])
    try shard("2.safetensors", ["b"])
    #expect(
      try refusal(["a": "1.safetensors", "b": "2.safetensors", "c": "2.safetensors"])
        == "\(index): the tensor \"c\" is not in 2.safetensors. \(Self.mixed)")
    #expect(
      try refusal(["a": "2.safetensors", "b": "1.safetensors"])
        == "\(index): the tensor \"a\" is not in 2.safetensors. \(Self.mixed)")
    try shard("2.safetensors", ["a", "b"])
    #expect(
      try refusal(["a": "1.safetensors", "b": "2.safetensors"])
        == "\(index): the tensor \"a\" is in two shards, 1.safetensors and 2.safetensors. \(Self.mixed)")
    try shard("2.safetensors", ["b", "c"])
    #expect(
      try refusal(["a": "1.safetensors", "b": "2.safetensors"])
        == "\(index): the tensor \"c\" is in 2.safetensors, but the index does not list it. \(Self.mixed)")
  }

  @Test("an index that is too large, or holds a name twice")
  func indices() throws {
    try folder.write("{}", to: "model.safetensors.index.json")
    try folder.resize("model.safetensors.index.json", to: 1 << 30)
    #expect(
      error { _ = try SafetensorsFolder(folder.path) }
        == "\(index): has 1073741824 bytes; the limit for such a file is 67108864. Name another file.")
    try folder.write(
      #"{"weight_map":{"a":"1.safetensors","a":"1.safetensors"}}"#, to: "model.safetensors.index.json")
    #expect(
      error { _ = try SafetensorsFolder(folder.path) }
        == "\(index), byte 35: the key \"a\" appears twice in one object. Leave one of the two out.")
  }
}
