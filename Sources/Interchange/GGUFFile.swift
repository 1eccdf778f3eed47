import Checkpoints
import Support

/// Writes GGUF version 3, the format of llama.cpp: metadata, the directory of tensors, their data.
struct GGUFFile {
  enum Value {
    case uint32(Int)
    case float32(Float)
    case bool(Bool)
    case text([UInt8])
    case texts([[UInt8]])
    case int32s([Int32])
    case float32s([Float])
  }

  private static let alignment = 32
  private static let version: UInt32 = 3

  private var metadata: [UInt8] = []
  private var metadataCount = 0
  private(set) var tensors: [(tensor: TensorSource, type: GGUFTensorType)] = []

  mutating func add(_ key: String, _ value: Value) {
    metadataCount += 1
    metadata.put(text: Array(key.utf8))
    switch value {
    case .uint32(let number):
      metadata.put(UInt32(4))
      metadata.put(UInt32(number))
    case .float32(let number):
      metadata.put(UInt32(6))
      metadata.put(number.bitPattern)
    case .bool(let flag):
      metadata.put(UInt32(7))
      metadata.append(flag ? 1 : 0)
    case .text(let text):
      metadata.put(UInt32(8))
      metadata.put(text: text)
    case .texts(let texts):
      putArray(of: 8, texts.count)
      for text in texts { metadata.put(text: text) }
    case .int32s(let numbers):
      putArray(of: 5, numbers.count)
      for number in numbers { metadata.put(number) }
    case .float32s(let numbers):
      putArray(of: 6, numbers.count)
      for number in numbers { metadata.put(number.bitPattern) }
    }
  }

  mutating func add(_ key: String, _ text: String) { add(key, .text(Array(text.utf8))) }

  private mutating func putArray(of type: UInt32, _ count: Int) {
    metadata.put(UInt32(9))
    metadata.put(type)
    metadata.put(UInt64(count))
  }

  mutating func add(_ tensor: TensorSource, _ type: GGUFTensorType) { tensors.append((tensor, type)) }

  /// - Throws: `Failure(.badData)` for a value that its type cannot hold; `.cannotCreate`, `.inputOutput`.
  func write(to path: String) throws {
    var head: [UInt8] = Array("GGUF".utf8)
    head.put(Self.version)
    head.put(UInt64(tensors.count))
    head.put(UInt64(metadataCount))
    head += metadata
    var offsets: [Int] = []
    var end = 0
    for (tensor, type) in tensors {
      head.put(text: Array(tensor.name.utf8))
      head.put(UInt32(tensor.dims.count))
      // The fastest dimension comes first.
      for dim in tensor.dims.reversed() { head.put(UInt64(dim)) }
      head.put(type.rawValue)
      head.put(UInt64(end))
      offsets.append(end)
      end = Self.aligned(end + type.bytes(tensor.count))
    }
    let start = Self.aligned(head.count)
    try AtomicFile.replace(path, bytes: start + end) { file in
      try head.withUnsafeBytes { try file.write($0, at: 0) }
      // The padding between tensors stays zero.
      try file.resize(start + end)
      for (index, entry) in tensors.enumerated() {
        try Self.write(entry.tensor, entry.type, at: start + offsets[index], file)
      }
    }
  }

  private static func write(
    _ tensor: TensorSource, _ type: GGUFTensorType, at offset: Int, _ file: AtomicFile
  ) throws {
    var offset = offset
    try tensor.forEachPiece(largest: type.largest) { floats in
      let count = type.bytes(floats.count)
      try withUnsafeTemporaryAllocation(byteCount: count, alignment: 64) { bytes in
        let (source, target) = (floats.baseAddress!, bytes.baseAddress!)
        switch type {
        case .float32: ElementType.float32.write(source, count: floats.count, to: target)
        case .float16: ElementType.float16.write(source, count: floats.count, to: target)
        case .q8_0: Self.quantize(source, blocks: floats.count / 32, to: target)
        default: preconditionFailure("\(type.name) is not written")
        }
        try file.write(UnsafeRawBufferPointer(bytes), at: offset)
      }
      offset += count
    }
  }

  /// As in llama.cpp: scale = max|x|/127, code = x/scale rounded half away from zero.
  private static func quantize(
    _ floats: UnsafePointer<Float>, blocks: Int, to target: UnsafeMutableRawPointer
  ) {
    for block in 0..<blocks {
      let (x, out) = (floats + 32 * block, target + 34 * block)
      var largest: Float = 0
      for i in 0..<32 { largest = max(largest, x[i].magnitude) }
      let scale = largest / 127
      let inverse = scale == 0 ? 0 : 1 / scale
      out.storeBytes(of: Float16(scale).bitPattern, as: UInt16.self)
      for i in 0..<32 {
        let code = (x[i] * inverse).rounded(.toNearestOrAwayFromZero)
        out.storeBytes(of: Int8(max(-127, min(127, code))), toByteOffset: 2 + i, as: Int8.self)
      }
    }
  }

  private static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}

extension [UInt8] {
  fileprivate mutating func put(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  fileprivate mutating func put(text: [UInt8]) {
    put(UInt64(text.count))
    append(contentsOf: text)
  }
}
