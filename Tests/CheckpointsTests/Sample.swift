import Support
import TestSupport

@testable import Checkpoints

/// A folder of its own for one test, gone with it.
final class Folder {
  private let temporary = TemporaryFolder()
  var path: String { temporary.path }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  var names: [String] { (try? Files.names(in: path)) ?? [] }
}

/// A small checkpoint with every kind of section and tensor.
final class Sample {
  let folder = Folder()
  private var memory: [UnsafeMutableRawBufferPointer] = []
  var contents: CheckpointContents

  static let architecture = Architecture(
    layers: 2, dModel: 8, heads: 4, kvHeads: 2, headDim: 2, dFF: 32, vocabulary: 300, context: 64,
    norm: .rmsNorm, position: .rotary, rotaryDim: 2, mlp: .swiglu, mlpBias: false, normBias: false)

  /// - Parameter rows: rows of the largest tensor, of 8 floats each.
  init(rows: Int = 300) {
    contents = CheckpointContents(
      architecture: Self.architecture,
      training: TrainingRecord(
        kind: .ppo, isTrainingCheckpoint: true, step: 12, seed: 34,
        reserved: [1, 2, 3, 4, 5, 6]),
      identity: 0x0123_4567_89AB_CDEF, configuration: Array(#"{"name":"sample"}"#.utf8),
      tokenizer: Array("a tokenizer".utf8), tensors: [], state: [9, 8, 7],
      provenance: Array(#"{"parents":[]}"#.utf8))
    contents.tensors = [
      floats(.weights, .policy, "embedding", [rows, 8]), floats(.weights, .policy, "norm", [3]),
      floats(.weights, .policy, "cube", [2, 3, 5, 7]),
      floats(.weights, .value, "embedding", [5, 5]),
      brains(), codes(), wide(), floats(.head, .reward, "head.weight", [8]),
      floats(.head, .reward, "gain", [1]), floats(.moments, .policy, "first/embedding", [rows, 8]),
    ]
  }

  /// A checkpoint with one tensor of these values.
  convenience init(floats values: [Float]) {
    self.init(rows: 1)
    contents.tensors = []
    replace("values", by: values, dims: [values.count])
  }

  /// Puts float32 values in the place of the first tensor of this name, or behind the others.
  func replace(_ name: String, by values: [Float], dims: [Int]) {
    let block = allocate(4 * values.count)
    for (i, value) in values.enumerated() {
      block.storeBytes(of: value, toByteOffset: 4 * i, as: Float.self)
    }
    let index = contents.tensors.firstIndex { $0.name == name }
    let old = index.map { contents.tensors[$0] }
    let source = TensorSource(
      section: old?.section ?? .weights, role: old?.role ?? .policy, name: name, dims: dims,
      type: .float32, bytes: UnsafeRawBufferPointer(block))
    if let index { contents.tensors[index] = source } else { contents.tensors.append(source) }
  }

  deinit { for block in memory { block.deallocate() } }

  func write(_ name: String = "a.trlhf") throws -> String {
    try CheckpointWriter.write(contents, to: folder(name))
    return folder(name)
  }

  private func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    block.initializeMemory(as: UInt8.self, repeating: 0)
    memory.append(block)
    return block
  }

  private func floats(
    _ section: SectionKind, _ role: Role, _ name: String, _ dims: [Int]
  ) -> TensorSource {
    let count = dims.reduce(1, *)
    let block = allocate(4 * count)
    var random = RandomStream(seed: 1, purpose: "\(section) \(role) \(name)")
    for i in 0..<count {
      block.storeBytes(of: random.normal(), toByteOffset: 4 * i, as: Float.self)
    }
    return TensorSource(
      section: section, role: role, name: name, dims: dims, type: .float32,
      bytes: UnsafeRawBufferPointer(block))
  }

  private func brains() -> TensorSource {
    let block = allocate(2 * 21)
    for i in 0..<21 {
      block.storeBytes(of: UInt16(0x3F80 + i), toByteOffset: 2 * i, as: UInt16.self)
    }
    return TensorSource(
      section: .weights, role: .value, name: "brain", dims: [3, 7], type: .bfloat16,
      bytes: UnsafeRawBufferPointer(block))
  }

  /// Code (n, k) of a 17 by 5 matrix is n − k.
  private func codes() -> TensorSource {
    int8("codes", 17, 5) { n, k in n - k }
  }

  /// Wider than a block of the rotation and no multiple of it; its factors are all that there are.
  private func wide() -> TensorSource {
    int8("wide", 3, 70) { n, k in (31 * n + 17 * k) % 255 - 127 }
  }

  /// Scale n is n + 1.
  private func int8(_ name: String, _ rows: Int, _ columns: Int, _ code: (Int, Int) -> Int) -> TensorSource {
    let blocks = (columns + 3) / 4
    let codes = allocate((rows + 15) / 16 * blocks * 64)
    let (scales, sums, factors) = (allocate(4 * rows), allocate(4 * rows), allocate(4 * columns))
    for n in 0..<rows {
      for k in 0..<columns {
        let at = ((n / 16 * blocks + k / 4) * 16 + n % 16) * 4 + k % 4
        codes[at] = UInt8(bitPattern: Int8(code(n, k)))
      }
      let sum = (0..<columns).reduce(0) { $0 + code(n, $1) }
      scales.storeBytes(of: Float(n + 1), toByteOffset: 4 * n, as: Float.self)
      sums.storeBytes(of: Int32(sum), toByteOffset: 4 * n, as: Int32.self)
    }
    for k in 0..<columns {
      let factor = Float(sign: .plus, exponent: 12 * k % 65 - 32, significand: 1)
      factors.storeBytes(of: factor, toByteOffset: 4 * k, as: Float.self)
    }
    return TensorSource(
      section: .weights, role: .value, name: name, dims: [rows, columns], type: .int8
    ) { put in
      for part in [codes, scales, sums, factors] { try put(UnsafeRawBufferPointer(part)) }
    }
  }
}

extension TensorSource {
  /// What is written of it, piece by piece.
  func pieces() throws -> [[UInt8]] {
    guard let stream else { return [Array(bytes)] }
    var pieces: [[UInt8]] = []
    try stream { pieces.append(Array($0)) }
    return pieces
  }
}

extension StoredTensor {
  /// Its elements; or codes, scales, row sums and factors.
  var parts: [UnsafeRawBufferPointer] {
    guard let packed else { return [UnsafeRawBufferPointer(bytes)] }
    return [
      UnsafeRawBufferPointer(start: packed.codes, count: TensorType.int8.byteCount(dims)!),
      UnsafeRawBufferPointer(start: packed.scales, count: 4 * dims[0]),
      UnsafeRawBufferPointer(start: packed.rowSums, count: 4 * dims[0]),
      UnsafeRawBufferPointer(start: packed.factors, count: 4 * dims[1]),
    ]
  }
}

extension CheckpointContents {
  /// These contents with the tensors of an open checkpoint, which must outlive them.
  func with(_ checkpoint: Checkpoint) -> CheckpointContents {
    var contents = self
    contents.tensors = checkpoint.tensors.map { tensor in
      TensorSource(
        section: tensor.section, role: tensor.role, name: tensor.name, dims: tensor.dims,
        type: tensor.type!
      ) { put in
        for part in tensor.parts { try put(part) }
      }
    }
    return contents
  }
}
