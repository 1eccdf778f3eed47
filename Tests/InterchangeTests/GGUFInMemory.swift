import TestSupport

@testable import Checkpoints
@testable import Interchange

extension RawGGUF {
  /// Read from memory.
  func archive() throws -> GGUFArchive { try Self.archive(bytes()) }

  static func archive(_ bytes: [UInt8]) throws -> GGUFArchive {
    let storage = try Storage.memory(bytes.count, for: "x.gguf")
    storage.mutableBytes.copyBytes(from: bytes)
    return try GGUFArchive(storage, path: "x.gguf")
  }
}
