import Glibc
import Support
import TestSupport
import Testing

@testable import Datasets

/// Bytes in memory, given out a few at a time.
final class MemorySource: ByteSource {
  private var rest: ArraySlice<UInt8>
  private let chunk: Int

  init(_ bytes: [UInt8], chunk: Int = 7) {
    rest = bytes[...]
    self.chunk = chunk
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let part = rest.prefix(min(chunk, buffer.count))
    buffer.copyBytes(from: part)
    rest = rest.dropFirst(part.count)
    return part.count
  }
}

func lines(_ text: String, limit: Int = LineReader.lineLimit) -> LineReader {
  LineReader(MemorySource(Array(text.utf8)), name: "data.jsonl", limit: limit)
}

func read<Record>(
  _ text: String, for use: Use<Record>, strict: Bool = true
) throws -> Dataset<Record> {
  try readRows(RowReader(lines(text), allowsText: false), for: use, strict: strict)
}

func readText(_ text: String, strict: Bool = true) throws -> Dataset<String> {
  try readText(Array(text.utf8), strict: strict)
}

func readText(_ bytes: [UInt8], strict: Bool = true) throws -> Dataset<String> {
  let lines = LineReader(MemorySource(bytes), name: "data.txt", limit: 1 << 20)
  return try readRows(RowReader(lines, allowsText: true), for: .documents, strict: strict)
}

/// The failure that `body` throws, as one line.
func failure<Result>(_ body: () throws -> Result) -> String {
  do {
    _ = try body()
    return "no failure"
  } catch let failure as Failure {
    return failure.kind == .badData ? failure.description : "not bad data: \(failure)"
  } catch {
    return "not a Failure: \(error)"
  }
}

/// Runs `body` with the path of a file of that name and content.
func withFile(_ name: String, _ content: String, _ body: (String) throws -> Void) throws {
  try withFile(name, Array(content.utf8), body)
}

func withFile(_ name: String, _ content: [UInt8], _ body: (String) throws -> Void) throws {
  let folder = TemporaryFolder()
  try folder.write(content, to: name)
  try body(folder.file(name))
}
