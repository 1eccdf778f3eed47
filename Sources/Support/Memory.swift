import CSupport

/// The memory of the process.
public enum Memory {
  /// Gives memory that was freed back to the system, where the C library keeps it.
  public static func releaseFree() { ts_release_free_memory() }

  /// Bytes that the C library has given out and not got back; 0 where it does not tell.
  public static var heap: Int { Int(ts_heap_bytes()) }

  /// Bytes that are in memory now, the pages of the program's code among them; 0 where there is no `/proc`.
  public static var resident: Int { status("VmRSS:") ?? 0 }

  /// The most of them so far; nil where there is no `/proc`.
  static var peak: Int? { status("VmHWM:") }

  private static func status(_ name: String) -> Int? {
    Files.unsized("/proc/self/status").flatMap { KernelText($0).bytes(name) }
  }
}

/// What the kernel tells as text, a line a figure.
struct KernelText {
  private let lines: [ArraySlice<UInt8>]

  init(_ text: [UInt8]) { lines = text.split(separator: 0x0A) }

  /// The number behind a name.
  func number(_ name: String) -> Int? {
    let words = lines.lazy.map { $0.split { $0 == 0x20 || $0 == 0x09 } }
      .first { $0.first?.elementsEqual(name.utf8) == true }
    return words.flatMap { $0.count > 1 ? Int(String(decoding: $0[1], as: UTF8.self)) : nil }
  }

  /// The same of an amount, which the kernel counts in kibibytes.
  func bytes(_ name: String) -> Int? { number(name).flatMap { Int.product([$0, 1024]) } }
}
