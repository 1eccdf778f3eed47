import Dialogues
import Support

/// Reads prompts. Comparisons and demonstrations can be used too; their prompts are taken.
/// - Parameters:
///   - path: a `.jsonl` file, compressed or not, or `-` for standard input.
///   - strict: whether the first bad row throws; otherwise bad rows are dropped and reported.
/// - Throws: `Failure(.badData)` with file and line; also if no row is usable.
public func readPrompts(_ path: String, strict: Bool = true) throws -> Dataset<Prompt> {
  try readRows(RowReader(path: path, allowsText: false), for: .prompts, strict: strict)
}

/// Reads demonstrations. For comparisons, the best answer is used. Parameters as for `readPrompts`.
public func readDemonstrations(
  _ path: String, strict: Bool = true
) throws -> Dataset<Demonstration> {
  try readRows(RowReader(path: path, allowsText: false), for: .demonstrations, strict: strict)
}

/// Reads comparisons. Rows whose answers are all tied or identical are dropped and counted. Parameters as for
/// `readPrompts`.
public func readComparisons(_ path: String, strict: Bool = true) throws -> Dataset<Comparison> {
  try readRows(RowReader(path: path, allowsText: false), for: .comparisons, strict: strict)
}

/// Reads rankings as they are, including ties. Lines without `"ranks"` are left out: nobody has ranked them yet.
/// - Throws: `Failure(.badData)` with file and line for any other line that is no ranking in this program's own format.
public func readRankings(_ path: String) throws -> [Comparison] {
  let lines = try LineReader(path: path)
  var rankings: [Comparison] = []
  while let line = try lines.next() {
    guard line.contains(where: { !$0.isSpace }) else { continue }
    do {
      let row = try RowFields(JSON.parse(line, at: ""))
      if let ranks = row.object["ranks"], !ranks.isNull { rankings.append(try rankedAnswers(row)) }
    } catch var failure as Failure {
      failure.place = lines.place
      throw failure
    }
  }
  return rankings
}

/// Reads texts for pretraining: JSON Lines with `text`, or plain text with documents separated by `<|endoftext|>`.
/// Parameters as for `readPrompts`.
public func readDocuments(_ path: String, strict: Bool = true) throws -> Dataset<String> {
  try readRows(RowReader(path: path), for: .documents, strict: strict)
}

func readRows<Record>(
  _ rows: RowReader, for use: Use<Record>, strict: Bool
) throws -> Dataset<Record> {
  var dataset = try rows.format.map { Dataset<Record>(report: try report(rows.name, $0, use)) }
  var early: [DatasetReport.Dropped] = []
  while let row = try rows.next() {
    if dataset == nil, let format = rows.format {
      dataset = Dataset(report: try report(rows.name, format, use))
    }
    let dropped: DatasetReport.Dropped
    do {
      // A row without an example throws here, so `dataset` exists for every row that has one.
      let record = try use.record(try row.example.get())
      dataset!.append(record, line: row.line)
      dataset!.report.add(row, use.remarks)
      continue
    } catch let unusable as Unusable {
      dropped = .init(line: row.line, reason: unusable.reason)
    } catch var failure as Failure {
      failure.place = failure.place ?? "\(rows.name):\(row.line)"
      if strict { throw failure.sayingHowToGoOn }
      dropped = .init(line: row.line, reason: failure.kindOfProblem, isBad: true)
    }
    if dataset == nil { early.append(dropped) } else { dataset!.report.dropped.append(dropped) }
  }
  guard var dataset else {
    let reason = early.first.map { "no row can be read; the first failed because \($0.reason)" }
    throw Failure(
      .badData, reason ?? "there is no row", at: rows.name, remedy: "Give one JSON object per line.")
  }
  dataset.report.dropped.insert(contentsOf: early, at: 0)
  dataset.report.contentHash = Hexadecimal.text(rows.contentHash)
  dataset.report.rows = dataset.records.count + dataset.report.dropped.count
  try dataset.checkNotEmpty()
  return dataset
}

extension DatasetReport {
  /// Counts the unused keys and the remarks of a used row.
  mutating func add(_ row: RowReader.Row, _ remarks: Set<RowRemark>) {
    for key in row.unusedKeys { unusedKeys.add(key, row.line) }
    for remark in RowRemark.allCases where row.remarks.contains(remark) && remarks.contains(remark) {
      self.remarks.add(remark.rawValue, row.line)
    }
  }
}

extension Failure {
  /// The problem without the column, so that rows with the same problem are counted together.
  public var kindOfProblem: String {
    let words = what.split(separator: " ", omittingEmptySubsequences: false)
    return words.count > 3 && words.suffix(3).prefix(2) == ["at", "column"] && Int(words.last!) != nil
      ? words.dropLast(3).joined(separator: " ") : what
  }

  /// The failure of a bad row, with a remedy that tells how to use the other rows.
  package var sayingHowToGoOn: Failure {
    var failure = self
    let remedy = self.remedy.map { $0.hasSuffix(".") ? $0 : "\($0)." } ?? "Correct the row."
    failure.remedy = "\(remedy) Or leave such rows out with --skip-bad-rows."
    return failure
  }
}

/// - Throws: `Failure(.badData)` with the file's name if its format cannot be used for this purpose.
private func report<Record>(
  _ name: String, _ format: DataFormat, _ use: Use<Record>
) throws -> DatasetReport {
  guard let conversion = use.conversion(format.content) else {
    var what = "this file contains \(format.content) (\(format.rawValue)), not \(use.name)"
    var remedy = "Give a file of \(use.name)."
    if format == .unpaired, Record.self == Comparison.self {
      what = "this file contains unpaired feedback (\"prompt\", \"completion\", \"label\"), not \(use.name)"
      remedy = "Join a true and a false row of the same prompt as \"chosen\" and \"rejected\"."
    } else if format == .unranked, Record.self == Comparison.self {
      remedy = "Add \"ranks\", one for each of the completions."
    }
    throw Failure(.badData, what, at: name, remedy: remedy)
  }
  return DatasetReport(
    name: name, format: format, conversion: conversion.isEmpty ? nil : conversion)
}
