import Support

/// A tensor in a mapped file: a checkpoint, a safetensors file or a GGUF file. It keeps its bytes in memory.
public struct StoredTensor: @unchecked Sendable {
  public let name: String
  /// Its section in a checkpoint; other files have the weights of a policy only.
  public let section: SectionKind
  public let role: Role
  /// The slowest dimension first.
  public let dims: [Int]
  /// The name of its type in its file: `bfloat16`, `BF16`, `Q4_K`.
  public let typeName: String
  /// How its elements are read; nil for a type that this program does not read.
  public let elements: (any StoredElements)?
  /// All its bytes. Writable only if they belong to a checkpoint opened with `.copyOnWrite`.
  public let bytes: UnsafeMutableRawBufferPointer
  /// The path of its file.
  public let path: String
  private let owner: AnyObject

  /// - Parameter owner: keeps the bytes in memory.
  package init(
    name: String, section: SectionKind = .weights, role: Role = .policy, dims: [Int], typeName: String,
    elements: (any StoredElements)?, bytes: UnsafeRawBufferPointer, path: String, owner: AnyObject
  ) {
    self.name = name
    self.section = section
    self.role = role
    self.dims = dims
    self.typeName = typeName
    self.elements = elements
    self.bytes = UnsafeMutableRawBufferPointer(mutating: bytes)
    self.path = path
    self.owner = owner
  }

  /// The number of elements.
  public var count: Int { dims.reduce(1, *) }

  /// The range of its bytes in the file, whose bytes are given.
  package func range(in file: UnsafeRawBufferPointer) -> Range<Int> {
    let first = UnsafeRawPointer(bytes.baseAddress!) - file.baseAddress!
    return first..<first + bytes.count
  }

  /// The place for errors.
  package var place: String { "\(path), tensor \"\(name)\"" }

  /// The type in which a checkpoint stores it as it is; nil if there is none.
  public var type: TensorType? {
    if elements is PackedElements { return .int8 }
    return elements?.element.map(TensorType.init)
  }

  /// The elements, if they are stored one by one, and aligned as those of a checkpoint are.
  public var stored: StoredFloats? { elements?.element.map { StoredFloats($0, bytes.baseAddress!) } }

  /// The elements of a float32 tensor, aligned as those of a checkpoint are.
  public var floats: UnsafeMutablePointer<Float> {
    precondition(type == .float32, "\(name) is \(typeName), not float32")
    return bytes.baseAddress!.assumingMemoryBound(to: Float.self)
  }
}

extension StoredTensor {
  /// The parts of an int8 tensor.
  public struct Packed {
    /// `[⌈rows/16⌉][⌈columns/4⌉][16][4]`
    public let codes: UnsafeMutablePointer<Int8>
    /// `[rows]`
    public let scales: UnsafeMutablePointer<Float>
    /// `[rows]`
    public let rowSums: UnsafeMutablePointer<Int32>
    /// `[columns]`: powers of two; FORMAT.md defines the values with them.
    public let factors: UnsafeMutablePointer<Float>
  }

  /// nil if it is not int8.
  public var packed: Packed? {
    guard let elements = elements as? PackedElements else { return nil }
    let base = bytes.baseAddress!
    return Packed(
      codes: base.assumingMemoryBound(to: Int8.self),
      scales: (base + elements.scales).assumingMemoryBound(to: Float.self),
      rowSums: (base + elements.rowSums).assumingMemoryBound(to: Int32.self),
      factors: (base + elements.factors).assumingMemoryBound(to: Float.self))
  }
}
