import Support

/// The records of a file and the report on reading them.
public struct Dataset<Record: Sendable>: Sendable {
  public private(set) var records: [Record] = []
  /// The line on which each record begins.
  public private(set) var lines: [Int] = []
  public package(set) var report: DatasetReport

  package init(report: DatasetReport) { self.report = report }

  package mutating func append(_ record: Record, line: Int) {
    records.append(record)
    lines.append(line)
  }

  /// - Throws: `Failure(.badData)` if no record is left.
  package func checkNotEmpty() throws {
    guard records.isEmpty else { return }
    let reason = report.droppedByReason.first.map { ": \($0.rows.count) dropped because \($0.reason)" }
    throw Failure(
      .badData, "there is no usable row" + (reason ?? ""), at: report.name,
      remedy: "Give a file with at least one usable row.")
  }
}
