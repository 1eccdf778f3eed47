import Foundation
import Support
import Testing

/// Sources/Training/RECIPE.md names files, what is in them, and tests.
@Suite struct RecipePageTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  private struct Row {
    let line: Int
    let place: Substring
    let test: Substring
  }

  /// The rows of the page's tables, without their heads.
  private static func rows() throws -> [Row] {
    let page = try text("\(root)/Sources/Training/RECIPE.md")
    return page.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
      let cells = $1.split(separator: "|").map { $0.trimmingPrefix(" ") }
      guard $1.hasPrefix("| "), cells.count == 3, cells[1].hasPrefix("`") else { return nil }
      return Row(line: $0 + 1, place: cells[1], test: cells[2])
    }
  }

  private static func text(_ path: String) throws -> String {
    String(decoding: try Files.read(path), as: UTF8.self)
  }

  /// Every test of the package, as text.
  private static func tests() throws -> String {
    let folder = "\(root)/Tests"
    let files = try #require(FileManager.default.enumerator(atPath: folder))
    return try files.compactMap { $0 as? String }
      .filter { $0.hasSuffix(".swift") && !$0.hasSuffix("RecipePageTests.swift") }
      .map { try text("\(folder)/\($0)") }.joined()
  }

  @Test("every place and every test that the recipe's page names is there")
  func places() throws {
    let rows = try Self.rows()
    #expect(rows.count > 40)
    let tests = try Self.tests()
    for row in rows {
      let parts = row.place.split(separator: "`")
      try #require(parts.count >= 3, "RECIPE.md:\(row.line): no file and name in \(row.place)")
      let path = "\(Self.root)/Sources/\(parts[0])"
      let source = try Self.text(path)
      #expect(source.contains(parts[2]), "RECIPE.md:\(row.line): \(parts[2]) is not in \(parts[0])")
      let test = row.test.trimmingCharacters(in: .whitespaces)
      #expect(tests.contains("\"\(test)\""), "RECIPE.md:\(row.line): there is no test \"\(test)\"")
    }
  }
}
