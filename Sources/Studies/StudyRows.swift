import Statistics

/// One line of `study.csv`: labels that say what was done, and the measured values.
public struct StudyRow: Equatable, Sendable {
  public internal(set) var seed: UInt64 = 0
  public let labels: [String: String]
  /// Values by column; columns that do not apply are missing.
  public let values: [String: Double]

  public init(_ labels: [String: String], _ values: [String: Double?]) {
    self.labels = labels
    self.values = values.compactMapValues { $0 }
  }

  subscript(_ column: String) -> Double? { values[column] }
}

/// The rows of all seeds.
public struct StudyRows: Sendable {
  public let rows: [StudyRow]
  /// Whether the whole study has only one seed, even if these rows are only a part of it.
  private let isOfOneSeed: Bool

  public init(_ rows: [StudyRow]) {
    self.init(rows, isOfOneSeed: Set(rows.map(\.seed)).count == 1)
  }

  private init(_ rows: [StudyRow], isOfOneSeed: Bool) {
    self.rows = rows
    self.isOfOneSeed = isOfOneSeed
  }

  func filter(_ isWanted: (StudyRow) -> Bool) -> StudyRows {
    StudyRows(rows.filter(isWanted), isOfOneSeed: isOfOneSeed)
  }

  /// The seeds, in order of first appearance.
  public var seeds: [UInt64] {
    rows.reduce(into: []) { if !$0.contains($1.seed) { $0.append($1.seed) } }
  }

  /// The rows with these labels.
  func with(_ labels: [String: String]) -> StudyRows {
    filter { row in labels.allSatisfy { row.labels[$0.key] == $0.value } }
  }

  func with(_ column: String, _ value: Double) -> StudyRows {
    filter { $0[column] == value }
  }

  /// The values of a column; rows without it are left out.
  func values(_ column: String) -> [Double] { rows.compactMap { $0[column] } }

  /// The different labels or values of a column, in order of appearance.
  func distinct(_ column: String) -> [Double] {
    values(column).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  func distinctLabels(_ column: String) -> [String] {
    rows.compactMap { $0.labels[column] }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The rows of one seed.
  func of(_ seed: UInt64) -> StudyRows { filter { $0.seed == seed } }

  func mean(_ column: String) -> Double? { values(column).mean }

  /// The mean over seeds of a figure that is computed from each seed's rows; seeds without the figure are left out.
  func overSeeds(_ figure: (StudyRows) -> Double?) -> Estimate? {
    Estimate(seeds.compactMap { figure(of($0)) })
  }

  /// The mean of a column over seeds; each seed's mean has the same weight. In a study with one seed, a single row's
  /// bounds over its prompts (the columns with "_low" and "_high" after the name) replace the interval over seeds.
  func estimate(_ column: String) -> Estimate? {
    guard isOfOneSeed, rows.count == 1, let value = rows[0][column] else {
      return overSeeds { $0.mean(column) }
    }
    return Estimate(value, low: rows[0]["\(column)_low"], high: rows[0]["\(column)_high"])
  }

  /// Whether intervals are over prompts: if there is one seed and the rows have bounds.
  var hasBoundsOverPrompts: Bool {
    isOfOneSeed && rows.contains { $0.values.keys.contains { $0.hasSuffix("_low") } }
  }

  /// The mean over seeds of the difference to other rows, seed by seed.
  func difference(_ column: String, to others: StudyRows) -> Estimate? {
    Estimate(seeds.compactMap { of($0).lead(column, over: others.of($0)) })
  }

  /// The mean of a column minus its mean in other rows.
  func lead(_ column: String, over others: StudyRows) -> Double? {
    guard let own = mean(column), let other = others.mean(column) else { return nil }
    return own - other
  }

  /// The mean over seeds of one column minus another.
  func gap(_ column: String, to other: String) -> Estimate? {
    overSeeds { rows in
      guard let a = rows.mean(column), let b = rows.mean(other) else { return nil }
      return a - b
    }
  }

  /// The text of `study.csv`: a header and one line per row; values that do not apply are empty.
  func csv(_ columns: [String]) -> String {
    let lines = rows.map { row in
      ([String(row.seed)]
        + columns.map { column in
          row.labels[column].map(Self.quoted) ?? row.values[column].map { "\($0)" } ?? ""
        }).joined(separator: ",")
    }
    return ((["seed"] + columns).joined(separator: ",") + "\n") + lines.map { $0 + "\n" }.joined()
  }

  /// Quotes a field as in RFC 4180.
  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0 == "\n" }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }
}
