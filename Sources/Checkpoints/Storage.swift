import Glibc
import Support

/// The memory of a checkpoint's or another file's bytes; released with its last reference.
package final class Storage: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let count: Int
  private let mappedBytes: Int
  /// The descriptor of the mapped file, kept to check its size again; −1 for memory.
  let descriptor: Int32

  private init(base: UnsafeMutableRawPointer, count: Int, mapped: Int, descriptor: Int32) {
    self.base = base
    self.count = count
    mappedBytes = mapped
    self.descriptor = descriptor
  }

  deinit {
    munmap(base, mappedBytes)
    if descriptor >= 0 { close(descriptor) }
  }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
  var mutableBytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base, count: count)
  }

  /// Zeroed private memory.
  static func memory(_ count: Int, for place: String) throws -> Storage {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    let mapped = max(count, 1)
    guard let base = mmap(nil, mapped, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED
    else {
      throw Failure(
        .outOfMemory, "cannot allocate \(Formatting.bytes(count))", at: place,
        remedy: "Give a writable cache folder.")
    }
    return Storage(base: base, count: count, mapped: mapped, descriptor: -1)
  }

  /// The pages of a file, shared with all processes that read it; writes stay private.
  package static func map(_ path: String, writable: Bool) throws -> Storage {
    let (descriptor, count) = try Files.openRegular(path)
    guard count > 0 else {
      close(descriptor)
      throw Self.empty(path)
    }
    let protection = writable ? PROT_READ | PROT_WRITE : PROT_READ
    let flags = writable ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED
    guard let base = mmap(nil, count, protection, flags, descriptor, 0), base != MAP_FAILED else {
      defer { close(descriptor) }
      throw Failure(.inputOutput, "cannot be mapped: \(Files.systemError())", at: path)
    }
    return Storage(base: base, count: count, mapped: count, descriptor: descriptor)
  }

  /// Gives the resident pages of a mapped file back to the system; they are read again when they are used. Must not be
  /// called after a write, which would be lost. Memory that is not a file's is kept.
  func releasePages() {
    if descriptor >= 0 { madvise(base, mappedBytes, MADV_DONTNEED) }
  }

  /// The bytes of a file, copied into memory.
  static func read(_ path: String) throws -> Storage {
    let (descriptor, count) = try Files.openRegular(path)
    defer { close(descriptor) }
    guard count > 0 else { throw Self.empty(path) }
    let storage = try memory(count, for: path)
    var done = 0
    while done < count {
      let got = Files.uninterrupted {
        Glibc.read(descriptor, storage.base + done, min(count - done, 1 << 30))
      }
      guard got > 0 else {
        throw Failure(.inputOutput, "cannot be read to its end", at: "\(path), byte \(done)")
      }
      done += got
    }
    return storage
  }

  private static func empty(_ path: String) -> Failure {
    Failure(.badData, "is empty", at: path, remedy: "Copy the file again.")
  }
}
