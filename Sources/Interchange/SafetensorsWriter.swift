import Checkpoints
import Support

/// Writes a safetensors file, tensor by tensor. Memory does not grow with the model.
enum SafetensorsWriter {
  private struct Record: Encodable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]
  }

  private enum Entry: Encodable {
    case tensor(Record)
    case metadata([String: String])

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .tensor(let record): try record.encode(to: encoder)
      case .metadata(let texts): try texts.encode(to: encoder)
      }
    }
  }

  /// - Throws: `Failure(.badData)` for a value that `type` cannot hold; `.cannotCreate`, `.inputOutput`.
  static func write(_ tensors: [TensorSource], _ type: ElementType, to path: String) throws {
    // `transformers` requires the name of the framework that wrote the tensors.
    var entries = ["__metadata__": Entry.metadata(["format": "pt"])]
    var end = 0
    for tensor in tensors {
      let first = end
      end += tensor.count * type.bytes
      entries[tensor.name] = .tensor(
        Record(dtype: type.rawValue, shape: tensor.dims, data_offsets: [first, end]))
    }
    var header = try JSON.encode(entries)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    try AtomicFile.replace(path, bytes: SafetensorsHeader.lengthBytes + header.count + end) { file in
      try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0, at: 0) }
      try header.withUnsafeBytes { try file.write($0, at: SafetensorsHeader.lengthBytes) }
      var offset = SafetensorsHeader.lengthBytes + header.count
      for tensor in tensors {
        try tensor.forEachPiece(largest: type.largest) { floats in
          try withUnsafeTemporaryAllocation(byteCount: floats.count * type.bytes, alignment: 64) { bytes in
            type.write(floats.baseAddress!, count: floats.count, to: bytes.baseAddress!)
            try file.write(UnsafeRawBufferPointer(bytes), at: offset)
            offset += bytes.count
          }
        }
      }
    }
  }
}
