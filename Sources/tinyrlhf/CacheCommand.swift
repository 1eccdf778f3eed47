import ArgumentParser
import Checkpoints
import Support

struct Cache: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show or empty the folder of expanded archives.",
    discussion: """
      A .trlhf.zst is expanded once, into $XDG_CACHE_HOME/tinyrlhf or ~/.cache/tinyrlhf. The folder holds at \
      most 10 GB; the environment variable \(CacheFolder.limitVariable) sets another limit in bytes (0: no cache, \
      archives are expanded in memory). The least recently used files are removed first. You can remove any file \
      of the folder: it is made again from its archive.
      """)

  @Flag(help: "Remove all expanded archives.") var clear = false
  @Flag(help: "Print one JSON object instead of text.") var json = false

  func run() throws {
    guard let folder = try CacheFolder() else {
      throw Failure(
        .usage, "there is no cache folder: XDG_CACHE_HOME and HOME are not set",
        remedy: "Set one of them to a folder, for instance XDG_CACHE_HOME=/var/tmp.")
    }
    let files = clear ? try folder.clear() : try folder.files()
    let bytes = files.reduce(0) { $0 + $1.bytes }
    try Console.output(json ? record(folder, files, bytes) : text(folder, files, bytes))
  }

  private func text(_ folder: CacheFolder, _ files: [CacheFolder.File], _ bytes: Int) -> String {
    let count = files.count == 1 ? "1 file" : "\(files.count) files"
    let sum = "\(count), \(Formatting.bytes(bytes))"
    let path = Terminal.harmless(folder.path)
    if clear { return "Removed from \(path): \(sum)." }
    let lines = files.reversed().map { file in
      "  \(file.path.dropFirst(folder.path.count + 1))  \(Formatting.bytes(file.bytes))"
    }
    return (["\(path): \(sum), at most \(Formatting.bytes(folder.limit))."] + lines).joined(separator: "\n")
  }

  private func record(_ folder: CacheFolder, _ files: [CacheFolder.File], _ bytes: Int) throws -> String {
    try JSON.line(Record(
      folder: folder.path, files: files.count, bytes: bytes, limit: folder.limit, cleared: clear))
  }

  private struct Record: Encodable {
    let folder: String
    let files: Int
    let bytes: Int
    let limit: Int
    let cleared: Bool
  }
}
