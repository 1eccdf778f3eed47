/// The number of rows, and the lines of the first ten.
public struct RowOccurrences: Codable, Equatable, Sendable {
  public private(set) var count = 0
  public private(set) var lines: [Int] = []

  public init() {}

  public mutating func add(_ line: Int) {
    count += 1
    if lines.count < 10 { lines.append(line) }
  }

  /// `line 3`, `lines 3, 7, …`
  public var places: String {
    let shown = lines.map(String.init).joined(separator: ", ")
    return "\(count == 1 ? "line" : "lines") \(shown)\(count > lines.count ? ", …" : "")"
  }
}

/// Names, each with the rows in which it was found; in order of first appearance.
public struct NamedRows: Codable, Equatable, Sendable {
  public struct Entry: Codable, Equatable, Sendable {
    public let name: String
    public fileprivate(set) var rows = RowOccurrences()
  }

  public private(set) var entries: [Entry] = []

  /// The largest number of different names that are counted separately, because the data may contain any number of
  /// them.
  private static let limit = 50
  /// The entry for all names beyond the limit.
  public static let others = "others"

  public init() {}

  public var isEmpty: Bool { entries.isEmpty }

  public mutating func add(_ name: String, _ line: Int) {
    var place = entries.firstIndex { $0.name == name }
    if place == nil {
      let isFull = entries.count >= Self.limit
      place = isFull ? entries.firstIndex { $0.name == Self.others } : nil
      if place == nil {
        entries.append(Entry(name: isFull ? Self.others : name))
        place = entries.count - 1
      }
    }
    entries[place!].rows.add(line)
  }
}
