import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Kinds of files that people have in the hand where a model is wanted, known by how they begin.
enum ForeignFile {
  case gguf, pointer, link, pickle, archive, safetensors, checkpoint, hdf5, onnx, sentencePiece, json, empty

  /// As many bytes of a file are looked at.
  static let needed = 512

  /// - Parameters:
  ///   - beginning: the first bytes of the file, `needed` of them where it has as many.
  ///   - name: of the file; kinds without a beginning of their own have endings.
  init?(beginning: some Collection<UInt8>, name: String) {
    let bytes = Array(beginning.prefix(Self.needed))
    if let kind = Self.byBeginning(bytes) {
      self = kind
    } else if let kind = Self.byEnding(name.lowercased()) {
      self = kind
    } else if bytes.drop(while: { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D }).first == UInt8(ascii: "{") {
      self = .json
    } else {
      return nil
    }
  }

  private static func byBeginning(_ bytes: [UInt8]) -> ForeignFile? {
    func begins(_ text: String, at first: Int = 0) -> Bool { bytes.dropFirst(first).starts(with: text.utf8) }
    if bytes.isEmpty { return .empty }
    if begins("GGUF") { return .gguf }
    if begins("version https://git-lfs") { return .pointer }
    if begins("../"), bytes.count < needed, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) { return .link }
    if bytes.starts(with: [0x89, 0x54, 0x52, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A]) { return .checkpoint }
    if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) { return .hdf5 }
    // What PyTorch saves is a ZIP file with a pickle in it, or, older, the pickle itself.
    if begins("PK\u{3}\u{4}") { return holds("data.pkl", bytes) ? .pickle : .archive }
    if bytes.count > 1, bytes[0] == 0x80, (2...5).contains(bytes[1]) { return .pickle }
    let archives: [[UInt8]] = [
      [0x1F, 0x8B], [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x37, 0x7A, 0xBC, 0xAF], Array("BZh".utf8),
      Array("Rar!".utf8),
    ]
    if archives.contains(where: bytes.starts) || begins("ustar", at: 257) { return .archive }
    if begins("{", at: 8), bytes[5...7].allSatisfy({ $0 == 0 }) { return .safetensors }
    return nil
  }

  private static func holds(_ text: String, _ bytes: [UInt8]) -> Bool {
    let text = Array(text.utf8)
    return bytes.indices.contains { bytes[$0...].starts(with: text) }
  }

  private static func byEnding(_ name: String) -> ForeignFile? {
    let endings: [(String, ForeignFile)] = [
      (".onnx", .onnx), (".bin", .pickle), (".pt", .pickle), (".pth", .pickle), (".ckpt", .pickle),
      (".pkl", .pickle), (".h5", .hdf5), (".msgpack", .hdf5), ("tokenizer.model", .sentencePiece),
      (".spm", .sentencePiece), (".tar", .archive), (".zip", .archive), (".gguf", .gguf),
    ]
    return endings.first { name.hasSuffix($0.0) }?.1
  }

  /// The kind of a regular file; nil for what is unknown, is none or cannot be read.
  init?(path: String) {
    guard let (descriptor, count) = try? Files.openRegular(path) else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: min(count, Self.needed))
    let got = bytes.withUnsafeMutableBytes { buffer in
      Files.uninterrupted { pread(descriptor, buffer.baseAddress, buffer.count, 0) }
    }
    guard got == bytes.count else { return nil }
    self.init(beginning: bytes, name: path)
  }

  /// What a file of this kind is, and what makes a model of it.
  var description: (what: String, remedy: String) {
    switch self {
    case .gguf:
      (
        "is a GGUF file, the form of llama.cpp", "Make a checkpoint of it with `tinyrlhf import FILE`."
      )
    case .pointer:
      ("is a Git LFS pointer, not the file itself", "Fetch the file with `git lfs pull` in its repository.")
    case .link:
      (
        "is the text of a symbolic link, not the file that it leads to",
        "Copy the file itself, with `cp -L` or `hf download --local-dir`."
      )
    case .pickle:
      (
        "is a pickle of PyTorch, which can run code and is not read",
        "Load the model with transformers and write it with save_pretrained(folder, safe_serialization=True)."
      )
    case .archive: ("is an archive", "Unpack it, and name what is in it.")
    case .safetensors:
      ("is a safetensors file, the weights of a model alone", "Name its folder, with config.json and tokenizer.json.")
    case .checkpoint: ("is a checkpoint of this program already", "Use it as it is.")
    case .hdf5:
      (
        "holds weights of TensorFlow or Flax",
        "Load the model with transformers and write it with save_pretrained(folder, safe_serialization=True)."
      )
    case .onnx: ("is an ONNX model, a computation and no trainable model", "Import the folder that it was made of.")
    case .sentencePiece:
      (
        "is a tokenizer of SentencePiece",
        "Load it with transformers' AutoTokenizer and write it with save_pretrained, which makes tokenizer.json."
      )
    case .json: ("is a JSON file", "Name the folder of the model.")
    case .empty: ("is empty", "Copy the file again.")
    }
  }

  /// - Parameter kind: the one that is wanted.
  func failure(at path: String, unless kind: ForeignFile) -> Failure? {
    guard self != kind, self != .json else { return nil }
    return failure(at: path)
  }

  func failure(at path: String) -> Failure {
    let (what, remedy) = description
    let isGGUF = self == .gguf
    return Failure(
      .badData, what, at: path,
      remedy: isGGUF ? "Make a checkpoint of it with `tinyrlhf import \(path) -o FILE`." : remedy)
  }

  /// - Throws: `Failure(.badData)` for a file that Git LFS, or a copy of links, has left in the place of another.
  static func requireNoPointer(_ bytes: [UInt8], at path: String) throws {
    let kind = ForeignFile(beginning: bytes.count < needed ? bytes : Array(bytes.prefix(needed)), name: path)
    guard let kind, kind == .pointer || kind == .link else { return }
    throw kind.failure(at: path)
  }
}

/// What a path is that was given where a model of this program is wanted.
public enum ForeignModel {
  /// - Returns: nil for what is a checkpoint, or is not recognised.
  public static func failure(at path: String) -> Failure? {
    guard !ForeignFolder.isFolder(path) else { return ForeignFolder.failureOfModel(path) }
    guard let kind = ForeignFile(path: path), kind != .checkpoint, kind != .empty else { return nil }
    var failure = kind.failure(at: path)
    if kind == .safetensors || kind == .json {
      failure.remedy = "Make a checkpoint of its folder with `tinyrlhf import \(Files.folder(of: path)) -o FILE`."
    }
    return failure
  }
}
