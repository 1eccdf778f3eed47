import Glibc
import Support

/// A folder that gets its name only when all its files are complete.
enum OutputFolder {
  /// The files that an export, of this program or of transformers, writes next to the weights, and that another
  /// export may replace.
  private static let companions: Set = [
    "config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "tokenizer.model", "chat_template.jinja", "chat_template.json",
  ]

  /// Makes a folder at `path` with the files that `body` writes into the folder passed to it.
  /// - Parameter replacing: whether an existing folder of that name may be replaced, if it contains only a model.
  /// - Throws: `Failure(.cannotCreate)`, `.inputOutput`; existing files then stay.
  static func make(_ path: String, replacing: Bool, _ body: (String) throws -> Void) throws {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    let exists = kind(of: path) != nil
    if exists { try requireReplaceable(path, replacing) }
    let partial = try makePartial(path)
    do {
      try body(partial)
      try Files.syncFolder(of: "\(partial)/.")
      try Interruption.check()
    } catch {
      Temporaries.discard(partial)
      throw error
    }
    try Temporaries.whole {
      // After the exchange, the old folder has the temporary name and is removed below.
      guard exists ? exchange(partial, with: path) : rename(partial, path) == 0 else {
        let failure = Failure(
          .cannotCreate, "cannot be put in place: \(Files.systemError())", at: path,
          remedy: "Choose another folder.")
        Temporaries.discard(partial)
        throw failure
      }
      Temporaries.forget(partial)
      // Other files that somebody has put there in the meantime stay.
      if exists { try remove(partial, isFileOfModel) }
    }
    try Files.syncFolder(of: path)
  }

  /// Makes a folder next to `path` with an unused name, so that no other process writes or has written there.
  private static func makePartial(_ path: String) throws -> String {
    for number in 1... {
      let partial = number == 1 ? "\(path).partial" : "\(path).partial-\(number)"
      let isMade = Temporaries.whole {
        guard mkdir(partial, 0o755) == 0 else { return false }
        guard !Temporaries.add(partial) else { return true }
        let reason = errno
        rmdir(partial)
        errno = reason
        return false
      }
      if isMade { return partial }
      guard errno == EEXIST, number < 1000 else { break }
    }
    throw Failure(
      .cannotCreate, "cannot be created: \(Files.systemError())", at: path,
      remedy: "Choose an existing folder that you can write to.")
  }

  /// The kind of the file at a path; links are not followed.
  static func kind(of path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
  }

  private static func isFileOfModel(_ name: String) -> Bool {
    if companions.contains(name) { return true }
    guard name.hasPrefix("model-"), name.hasSuffix(".safetensors") else { return false }
    return name.dropFirst(6).dropLast(12).allSatisfy { "0123456789-of".contains($0) }
  }

  private static func requireReplaceable(_ path: String, _ replacing: Bool) throws {
    func refusal(_ what: String, remedy: String = "Name another folder with -o.") -> Failure {
      Failure(.cannotCreate, what, at: path, remedy: remedy)
    }
    switch kind(of: path) {
    case S_IFDIR: break
    case S_IFLNK: throw refusal("is a symbolic link", remedy: "Name the folder itself with -o, or another.")
    default: throw refusal("exists already and is not a folder")
    }
    guard replacing else {
      throw refusal("exists already", remedy: "Name another folder with -o, or replace it with --force.")
    }
    let names = try Files.names(in: path)
    if let other = names.first(where: { !isFileOfModel($0) || kind(of: "\(path)/\($0)") != S_IFREG }) {
      throw refusal("contains \(other), which is not a file of a model")
    }
    let isModel = names.contains("config.json") && names.contains { $0.hasSuffix(".safetensors") }
    guard names.isEmpty || isModel else { throw refusal("contains files but no model") }
  }

  private static func exchange(_ partial: String, with path: String) -> Bool {
    if Files.exchange(partial, path) { return true }
    guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(errno) else { return false }
    return exchangeInSteps(partial, with: path)
  }

  /// For file systems that cannot exchange two names: for a moment nothing has the name `path`.
  static func exchangeInSteps(_ partial: String, with path: String) -> Bool {
    let aside = "\(partial).old"
    guard kind(of: aside) == nil, rename(path, aside) == 0 else { return false }
    guard rename(partial, path) == 0 else {
      let reason = errno
      rename(aside, path)
      errno = reason
      return false
    }
    return rename(aside, partial) == 0
  }

  private static func remove(_ folder: String, _ isOurs: (String) -> Bool) throws {
    for name in try Files.names(in: folder) where isOurs(name) { unlink("\(folder)/\(name)") }
    guard rmdir(folder) == 0 else {
      throw Failure(
        .inputOutput, "cannot be removed: \(Files.systemError())", at: folder,
        remedy: "Check its contents, and remove it.")
    }
  }
}
