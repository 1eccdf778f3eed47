import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Folders that people give instead of a model's folder.
enum ForeignFolder {
  static let adapterFile = "adapter_config.json"

  static func isFolder(_ path: String) -> Bool { kind(of: path) == S_IFDIR }

  /// The kind of the target of a symbolic link, as in the hub's cache; nil if nothing exists.
  private static func kind(of path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  private static func failure(_ what: String, at path: String, remedy: String) -> Failure {
    Failure(.badData, what, at: path, remedy: remedy)
  }

  private static let wanted = "Name the folder of a model in Hugging Face's form, or a GGUF file."

  /// - Throws: `Failure(.badData)` if the path is not a model's folder in Hugging Face's form; it tells what the path
  ///   is and what to do.
  static func requireModel(_ path: String) throws {
    guard let kind = kind(of: path) else {
      throw failure("does not exist", at: path, remedy: wanted)
    }
    guard kind == S_IFDIR else {
      throw ForeignFile(path: path).map { notFolder($0, path) }
        ?? failure("is not a folder", at: path, remedy: wanted)
    }
    let names = Set(try Files.names(in: path))
    if let failure = withoutWeights(path, names) { throw failure }
  }

  private static func notFolder(_ kind: ForeignFile, _ path: String) -> Failure {
    var failure = kind.failure(at: path)
    if kind == .json || kind == .safetensors {
      failure.remedy = "Name its folder, \(Files.folder(of: path))."
    }
    return failure
  }

  /// Tells what a folder is, if it was given instead of a model of this program.
  static func failureOfModel(_ path: String) -> Failure? {
    guard let all = try? Files.names(in: path) else { return nil }
    let names = Set(all)
    if names.contains(HuggingFaceModel.configurationFile), adapter(path, names) == nil {
      return failure(
        "is a model in Hugging Face's form", at: path,
        remedy: "Make a checkpoint from it with `tinyrlhf import \(path) -o FILE`.")
    }
    if let model = all.first(where: { $0.hasSuffix(".trlhf") || $0.hasSuffix(".trlhf.zst") }) {
      return failure("is a folder without a run", at: path, remedy: "Name a model in it, \(path)/\(model).")
    }
    guard !names.isEmpty, let failure = withoutWeights(path, names), !failure.what.hasPrefix("has no") else {
      return nothing(path)
    }
    return failure
  }

  private static func nothing(_ path: String) -> Failure {
    failure(
      "contains no model and no run", at: path, remedy: "Name a .trlhf, a .trlhf.zst, a run folder, or builtin:base.")
  }

  // MARK: What a folder is

  /// nil for a folder with a configuration and with weights in a supported format.
  private static func withoutWeights(_ path: String, _ names: Set<String>) -> Failure? {
    if let adapter = adapter(path, names) { return adapter }
    let hasWeights = !names.isDisjoint(with: [SafetensorsFolder.single, SafetensorsFolder.index])
    let hasConfiguration = names.contains(HuggingFaceModel.configurationFile)
    if hasConfiguration && hasWeights { return nil }
    if let failure = otherWeights(path, names, hasWeights: hasWeights) { return failure }
    if hasConfiguration { return nil }
    if names.isEmpty {
      return failure("is an empty folder", at: path, remedy: "Name the folder of a model in Hugging Face's form.")
    }
    if names.contains("manifest.json"), names.contains(where: { $0.hasSuffix(".trlhf") }) {
      return failure("is a run of this program", at: path, remedy: "Use it as it is.")
    }
    if let inner = modelFolder(in: path, names) {
      return failure("has no \(HuggingFaceModel.configurationFile), but a folder in it has one", at: path,
        remedy: "Name \(inner).")
    }
    if !hasWeights, let failure = byKinds(path, names) { return failure }
    return failure(
      "has no \(HuggingFaceModel.configurationFile)", at: path,
      remedy: "Name the folder of a model in Hugging Face's form.")
  }

  private static func adapter(_ path: String, _ names: Set<String>) -> Failure? {
    guard names.contains(where: { $0 == adapterFile || $0.hasPrefix("adapter_model.") }),
      names.isDisjoint(with: [SafetensorsFolder.single, SafetensorsFolder.index])
    else { return nil }
    let file = "\(path)/\(adapterFile)"
    let fields = try? JSONFile.read([String: JSONValue].self, from: file, .configuration)
    let base = fields?["base_model_name_or_path"]?.string.map { " of \(quoted($0))" } ?? ""
    return failure(
      "is a LoRA adapter\(base), not a whole model", at: path,
      remedy: "Merge it into its base with peft's merge_and_unload(), write the result with save_pretrained, "
        + "and import it.")
  }

  /// Weights in an unsupported format.
  private static func otherWeights(_ path: String, _ names: Set<String>, hasWeights: Bool) -> Failure? {
    guard !hasWeights else { return nil }
    let weights: [(String, ForeignFile)] = [
      (".bin", .pickle), (".bin.index.json", .pickle), (".pt", .pickle), (".pth", .pickle),
      (".ckpt", .pickle), (".gguf", .gguf), (".onnx", .onnx), (".h5", .hdf5), (".msgpack", .hdf5),
    ]
    // The settings of a trainer are pickles, too.
    let candidates = names.subtracting(["training_args.bin", "optimizer.pt", "scheduler.pt"]).sorted()
    for (ending, kind) in weights {
      if let name = candidates.first(where: { $0.lowercased().hasSuffix(ending) }) {
        return kind.failure(at: "\(path)/\(name)")
      }
    }
    guard names.contains("onnx"), modelFolder(in: path, names) == nil else { return nil }
    return ForeignFile.onnx.failure(at: "\(path)/onnx")
  }

  /// The failure by the kinds of the folder's files, if one of them is recognised.
  private static func byKinds(_ path: String, _ names: Set<String>) -> Failure? {
    let parts = names.sorted().prefix(32).compactMap { name in
      ForeignFile(path: "\(path)/\(name)").map { (name, $0) }
    }
    for kind in [ForeignFile.pointer, .archive, .safetensors, .checkpoint, .sentencePiece] {
      guard let (name, _) = parts.first(where: { $0.1 == kind }) else { continue }
      if kind == .safetensors {
        return failure(
          "has weights but no \(HuggingFaceModel.configurationFile)", at: path,
          remedy: "Copy the rest of the model's files, too.")
      }
      return kind.failure(at: "\(path)/\(name)")
    }
    return nil
  }

  /// A model's folder inside a folder, as in the hub's cache: `snapshots/HASH`, or `MODEL/snapshots/HASH`. Only a few
  /// folders are examined, so that even the root of a disk is fast.
  private static func modelFolder(in path: String, _ names: Set<String>) -> String? {
    var level = [(path, Array(names.sorted().prefix(64)))]
    for _ in 0..<3 {
      var next: [(String, [String])] = []
      for (folder, names) in level {
        for name in names where !name.hasPrefix(".") && next.count < 64 {
          let inner = "\(folder)/\(name)"
          guard isFolder(inner), let found = try? Files.names(in: inner) else { continue }
          if found.contains(HuggingFaceModel.configurationFile) { return inner }
          next.append((inner, Array(found.prefix(64))))
        }
      }
      level = next
    }
    return nil
  }
}
