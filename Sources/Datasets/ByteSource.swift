import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A source of bytes that is read one buffer at a time.
protocol ByteSource: AnyObject {
  /// Fills the start of `buffer` and returns the number of bytes; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

/// The unchanged bytes of a file or a pipe.
final class DescriptorSource: ByteSource {
  private let descriptor: Int32
  private let name: String
  private let owned: Bool
  /// Progress, from the first read on; nil for a pipe, whose length is unknown.
  private var work: Work?
  private var hasBegun = false

  /// - Parameter owned: whether to close the descriptor on deinit.
  init(_ descriptor: Int32, name: String, owned: Bool) {
    self.descriptor = descriptor
    self.name = name
    self.owned = owned
  }

  /// - Throws: `Failure(.inputOutput)` naming the path.
  convenience init(path: String) throws {
    let descriptor = Files.uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else {
      throw Failure(
        .inputOutput, "cannot be read: \(Files.systemError())", at: path, remedy: "Check the path.",
        code: errno == ENOENT ? .notFound : nil)
    }
    self.init(descriptor, name: path, owned: true)
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw Failure(
        .inputOutput, "is a folder, not a file", at: path,
        remedy: "Name a file in it. To convert a folder saved by Hugging Face's datasets, use Python: "
          + "datasets.load_from_disk(\"\(path)\").to_json(\"rows.jsonl\").")
    }
  }

  deinit {
    endWork()
    if owned { close(descriptor) }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    if !hasBegun {
      hasBegun = true
      work = begun()
    }
    while true {
      let got = systemRead(descriptor, buffer.baseAddress, buffer.count)
      if got >= 0 {
        work?.advance(by: got)
        if got == 0 { endWork() }
        return got
      }
      guard errno == EINTR else {
        throw Failure(
          .inputOutput, "cannot be read: \(Files.systemError())", at: name, remedy: "Name a file.")
      }
    }
  }
}

extension DescriptorSource {
  private func endWork() {
    work?.end()
    work = nil
  }

  /// nil if this is not a regular file.
  private func begun() -> Work? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Work("reading", of: Int(status.st_size) - max(0, Int(lseek(descriptor, 0, SEEK_CUR))))
  }
}

/// `read(2)`; inside the class, its own method `read` hides this function.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int
{
  read(descriptor, bytes, count)
}
