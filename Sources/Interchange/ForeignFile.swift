import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Kinds of files that people give instead of a model, recognised by their first bytes or their names.
enum ForeignFile {
  case gguf, pointer, link, pickle, archive, safetensors, checkpoint, hdf5, onnx, sentencePiece, json, empty

  /// The number of bytes of a file that are checked.
  static let needed = 512

  /// - Parameters:
  ///   - beginning: the first bytes of the file; `needed` of them if it has that many.
  ///   - name: the file name; some kinds are recognised only by their extension.
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
    // PyTorch saves a ZIP file with a pickle in it; older versions save the pickle itself.
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

  /// The kind of a regular file; nil if it is unknown, not a regular file, or cannot be read.
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

  /// What a file of this kind is, and how to get a model from it.
  var description: (what: String, remedy: String) {
    switch self {
    case .gguf:
      (
        "is a GGUF file, the format of llama.cpp", "Make a checkpoint from it with `tinyrlhf import FILE`."
      )
    case .pointer:
      ("is a Git LFS pointer, not the file itself", "Fetch the file with `git lfs pull` in its repository.")
    case .link:
      (
        "is the text of a symbolic link, not its target file",
        "Copy the file itself, with `cp -L` or `hf download --local-dir`."
      )
    case .pickle:
      (
        "is a pickle of PyTorch, which can run code and is therefore not read",
        "Load the model with transformers and write it with save_pretrained(folder, safe_serialization=True)."
      )
    case .archive: ("is an archive", "Unpack it, and name its contents.")
    case .safetensors:
      (
        "is a safetensors file, which contains only the weights of a model",
        "Name its folder, with config.json and tokenizer.json."
      )
    case .checkpoint: ("is a checkpoint of this program already", "Use it as it is.")
    case .hdf5:
      (
        "contains weights of TensorFlow or Flax",
        "Load the model with transformers and write it with save_pretrained(folder, safe_serialization=True)."
      )
    case .onnx: ("is an ONNX model, which cannot be trained", "Import the folder that it was made from.")
    case .sentencePiece:
      (
        "is a tokenizer of SentencePiece",
        "Load it with transformers' AutoTokenizer and write it with save_pretrained, which makes tokenizer.json."
      )
    case .json: ("is a JSON file", "Name the folder of the model.")
    case .empty: ("is empty", "Copy the file again.")
    }
  }

  /// - Parameter kind: the expected kind.
  func failure(at path: String, unless kind: ForeignFile) -> Failure? {
    guard self != kind, self != .json else { return nil }
    return failure(at: path)
  }

  func failure(at path: String) -> Failure {
    let (what, remedy) = description
    let isGGUF = self == .gguf
    return Failure(
      .badData, what, at: path,
      remedy: isGGUF ? "Make a checkpoint from it with `tinyrlhf import \(path) -o FILE`." : remedy)
  }

  /// - Throws: `Failure(.badData)` for a pointer of Git LFS or the text of a symbolic link, instead of the file itself.
  static func requireNoPointer(_ bytes: [UInt8], at path: String) throws {
    let kind = ForeignFile(beginning: bytes.count < needed ? bytes : Array(bytes.prefix(needed)), name: path)
    guard let kind, kind == .pointer || kind == .link else { return }
    throw kind.failure(at: path)
  }
}

/// Recognises what a path is, if it was given instead of a model of this program.
public enum ForeignModel {
  /// - Returns: nil for a checkpoint, or if the kind is not recognised.
  public static func failure(at path: String) -> Failure? {
    guard !ForeignFolder.isFolder(path) else { return ForeignFolder.failureOfModel(path) }
    guard let kind = ForeignFile(path: path), kind != .checkpoint, kind != .empty else { return nil }
    var failure = kind.failure(at: path)
    if kind == .safetensors || kind == .json {
      failure.remedy = "Make a checkpoint from its folder with `tinyrlhf import \(Files.folder(of: path)) -o FILE`."
    }
    return failure
  }
}
