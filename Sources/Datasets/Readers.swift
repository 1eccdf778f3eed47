import Support

/// Reads prompts; comparisons and demonstrations serve with theirs.
/// - Parameters:
///   - path: a `.jsonl` file, compressed or not, or `-` for standard input.
///   - strict: whether the first bad row throws; else bad rows are dropped and reported.
/// - Throws: `Failure(.badData)` with file and line; also when no row is usable.
public func readPrompts(_ path: String, strict: Bool = true) throws -> Dataset<Prompt> {
  try readRows(LineReader(path: path), for: .prompts, strict: strict)
}

/// Reads demonstrations; of comparisons the best answer serves. Parameters as `readPrompts`.
public func readDemonstrations(
  _ path: String, strict: Bool = true
) throws -> Dataset<Demonstration> {
  try readRows(LineReader(path: path), for: .demonstrations, strict: strict)
}

/// Reads comparisons. Rows whose answers are all tied or identical are dropped and counted.
/// Parameters as `readPrompts`.
public func readComparisons(_ path: String, strict: Bool = true) throws -> Dataset<Comparison> {
  try readRows(LineReader(path: path), for: .comparisons, strict: strict)
}

/// Reads texts for pretraining: JSON Lines with `text`, or plain text whose documents are
/// separated by `<|endoftext|>`. Parameters as `readPrompts`.
public func readDocuments(_ path: String, strict: Bool = true) throws -> Dataset<String> {
  let lines = try LineReader(path: path)
  let isNamedJSON = [".jsonl", ".jsonl.gz", ".jsonl.zst"].contains { path.hasSuffix($0) }
  guard let first = try lines.nextWithEnd() else {
    throw Failure(
      .badData, "there is no document", at: lines.name, remedy: "Give a file with text in it.")
  }
  if isNamedJSON || isObject(first) {
    return try readRows(lines, first: first, for: .documents, strict: strict)
  }
  return try readPlainText(lines, first: first, strict: strict)
}

private func isObject(_ line: [UInt8]) -> Bool {
  guard line.first(where: { !$0.isSpace }) == UInt8(ascii: "{") else { return false }
  guard case .object = try? JSON.decode(JSONValue.self, from: line, at: "") else { return false }
  return true
}

/// - Parameter first: the first line, if it has been taken from `lines` already.
func readRows<Record>(
  _ lines: LineReader, first: [UInt8]? = nil, for use: Use<Record>, strict: Bool
) throws -> Dataset<Record> {
  var dataset: Dataset<Record>?
  var early: [DatasetReport.Dropped] = []
  var held = first
  while true {
    let next = try held ?? lines.next()
    held = nil
    guard let line = next else { break }
    if line.allSatisfy({ $0.isSpace }) { continue }
    do {
      let row = try JSON.decode(JSONValue.self, from: line, at: lines.place)
      if dataset == nil {
        let format = try DataFormat(detecting: row)
        dataset = Dataset(report: try report(lines.name, format, use))
      }
      let format = dataset!.report.format
      let record = try use.record(try Example(row, line: line, format: format))
      dataset!.append(record, line: lines.line)
    } catch let unusable as Unusable {
      dataset?.report.drop(line: lines.line, unusable.reason)
    } catch let failure as Failure {
      if strict || failure.place == lines.name { throw located(failure, lines, line) }
      let dropped = DatasetReport.Dropped(line: lines.line, reason: failure.what)
      if dataset == nil { early.append(dropped) } else { dataset!.report.dropped.append(dropped) }
    }
  }
  guard var dataset else {
    let reason = early.first.map { "no row can be read: \($0.reason)" }
    throw Failure(
      .badData, reason ?? "there is no row", at: lines.name, remedy: "Give one JSON object a line.")
  }
  dataset.report.dropped.insert(contentsOf: early, at: 0)
  dataset.report.rows = dataset.records.count + dataset.report.dropped.count
  try dataset.checkNotEmpty()
  return dataset
}

/// - Throws: `Failure(.badData)` at the file if its format cannot serve the use.
private func report<Record>(
  _ name: String, _ format: DataFormat, _ use: Use<Record>
) throws -> DatasetReport {
  guard let conversion = use.conversion(format.content) else {
    throw Failure(
      .badData, "this holds \(format.content) (\(format.rawValue)), not \(use.name)", at: name,
      remedy: "Give a file of \(use.name).")
  }
  return DatasetReport(
    name: name, format: format, conversion: conversion.isEmpty ? nil : conversion)
}

/// The failure with its line, and with a hint for a file that is one JSON array.
private func located(_ failure: Failure, _ lines: LineReader, _ line: [UInt8]) -> Failure {
  var failure = failure
  failure.place = failure.place ?? lines.place
  if line.first(where: { !$0.isSpace }) == UInt8(ascii: "[") {
    failure.remedy = "Write one object a line, for example with jq -c '.[]'."
  }
  return failure
}
