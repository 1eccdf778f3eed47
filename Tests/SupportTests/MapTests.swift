import Foundation
import Support
import Testing

/// Sources/README.md draws which target knows which; Package.swift declares it; the files' imports are it.
@Suite("The map of the targets") struct MapTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  private static func text(_ path: String) throws -> String {
    String(decoding: try Files.read("\(root)/\(path)"), as: UTF8.self)
  }

  /// Swift files under a folder of the package, by their paths in it.
  private static func swiftFiles(_ folder: String) throws -> [String] {
    let files = try #require(FileManager.default.enumerator(atPath: "\(root)/\(folder)"))
    return files.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }
  }

  private static func names(_ list: Substring) -> Set<String> {
    Set(list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
  }

  /// The lines of README.md that have the arrow: `A → B, C`.
  private static func drawn(_ arrow: String) throws -> [String: Set<String>] {
    var lines: [String: Set<String>] = [:]
    for line in try text("Sources/README.md").split(separator: "\n") where line.hasPrefix("    ") {
      let sides = line.split(separator: " \(arrow) ")
      guard sides.count == 2 else { continue }
      let name = sides[0].trimmingCharacters(in: .whitespaces)
      #expect(lines.updateValue(names(sides[1]), forKey: name) == nil, "\(name) is drawn twice")
    }
    #expect(lines.count > 4, "README.md has no lines with \(arrow)")
    return lines
  }

  /// What Package.swift declares of every target.
  private static func declared() throws -> [String: Set<String>] {
    let page = try text("Package.swift")
      .replacing(/\.product\(name: ("\w+"), package: "[^"]*"\)/) { "\($0.output.1)" }
    var targets: [String: Set<String>] = [:]
    let call = /\b(library|tests|systemLibrary)\(\s*"(\w+)"|\.(?:target|executableTarget|testTarget)\(\s*name: "(\w+)"/
    for match in page.matches(of: call) {
      let rest = page[match.range.upperBound...]
      let arguments = rest[..<(endOfCall(rest) ?? rest.endIndex)]
      let list = arguments.firstMatch(of: /\[([^\]]*)\]/)?.output.1 ?? ""
      let dependencies = Set(list.matches(of: /"(\w+)"/).map { String($0.output.1) })
      switch match.output.1 {
      case "tests":
        let tested = String(match.output.2!)
        targets["\(tested)Tests"] = dependencies.union([tested])
      case "systemLibrary": targets[String(match.output.2!)] = []
      case "library": targets[String(match.output.2!)] = dependencies
      default: targets[String(match.output.3!)] = dependencies
      }
    }
    return targets
  }

  /// Where the call's parenthesis closes, of what follows its name.
  private static func endOfCall(_ text: Substring) -> Substring.Index? {
    var depth = 1
    return text.indices.first { index in
      if text[index] == "(" { depth += 1 }
      if text[index] == ")" { depth -= 1 }
      return depth == 0
    }
  }

  private static func folder(_ target: String) -> String? {
    ["Sources/\(target)", "Tests/\(target)"].first { Files.exists("\(root)/\($0)") }
  }

  /// What the files of every target import of the others, and of packages.
  private static func imported(_ targets: [String: Set<String>]) throws -> [String: Set<String>] {
    let known = Set(targets.keys).union(targets.values.joined())
    var found: [String: Set<String>] = [:]
    for target in targets.keys {
      let folder = try #require(Self.folder(target), "there is no folder of \(target)")
      found[target] = Set(try swiftFiles(folder).flatMap { try imports($0) }).intersection(known)
    }
    return found
  }

  private static func imports(_ file: String) throws -> Set<String> {
    Set(
      try text(file).split(separator: "\n").compactMap { line in
        let line = line.drop { $0 == " " }
        guard line.hasPrefix("import ") || line.hasPrefix("@testable import ") else { return nil }
        return line.split(separator: " ").last.map(String.init)
      })
  }

  @Test("each target imports what Package.swift declares, no more and no less")
  func declarations() throws {
    let declared = try Self.declared()
    #expect(declared.count > 40)
    for (target, imported) in try Self.imported(declared) {
      #expect(
        imported == declared[target],
        "\(target): declared in vain \(declared[target]!.subtracting(imported).sorted()), not declared \(imported.subtracting(declared[target]!).sorted())")
    }
  }

  @Test("the drawing has each target's arrows")
  func drawing() throws {
    let drawn = try Self.drawn("→")
    let declared = try Self.declared().filter { !$0.key.hasSuffix("Tests") && !$0.value.isEmpty }
    for target in Set(drawn.keys).union(declared.keys) {
      #expect(
        drawn[target] == declared[target],
        "\(target): drawn \((drawn[target] ?? []).sorted()), declared \((declared[target] ?? []).sorted())")
    }
  }

  @Test("the table names every target that is no test, once")
  func table() throws {
    var named: [String] = []
    for line in try Self.text("Sources/README.md").split(separator: "\n") where line.hasPrefix("| `") {
      let cell = line.dropFirst().prefix { $0 != "|" }
      named += cell.matches(of: /`(\w+)`/).map { String($0.output.1) }
    }
    #expect(named.sorted() == (try Self.declared().keys.filter { !$0.hasSuffix("Tests") }.sorted()))
  }

  @Test("what a target must never know it does not know through others either")
  func never() throws {
    let declared = try Self.declared()
    func reach(_ target: String) -> Set<String> {
      (declared[target] ?? []).reduce(into: []) { $0.formUnion(reach($1).union([$1])) }
    }
    for (target, forbidden) in try Self.drawn("↛") {
      #expect(declared[target] != nil, "there is no \(target)")
      #expect(forbidden.isSubset(of: declared.keys), "one of \(forbidden.sorted()) is no target")
      #expect(reach(target).isDisjoint(with: forbidden), "\(target) knows \(reach(target).intersection(forbidden).sorted())")
    }
  }

  @Test("what is for one target alone is known to it alone, and to tests")
  func alone() throws {
    let declared = try Self.declared().filter { !$0.key.hasSuffix("Tests") }
    for (name, users) in try Self.drawn("↤") {
      #expect(Set(declared.filter { $0.value.contains(name) }.keys) == users, "\(name)")
    }
  }

  @Test("training opens no file, and nobody but the program prints or exits")
  func noSideEffects() throws {
    for file in try Self.swiftFiles("Sources/Training") {
      let text = try Self.text(file)
      #expect(try Self.imports(file).isDisjoint(with: ["Glibc", "Musl", "Foundation", "FoundationEssentials"]), "\(file)")
      #expect(text.firstMatch(of: /\b(Files|AtomicFile|Temporaries)\./) == nil, "\(file)")
    }
    // A method of the name may be declared and called, and a function that throws is not the one that prints.
    let output = /(func |try |\.)?\b(print|puts|fputs|fputc|exit)\(/
    let words = ["print(", "puts(", "fputc(", "exit("]
    for file in try Self.swiftFiles("Sources") where !file.hasPrefix("Sources/tinyrlhf/") {
      for line in try Self.text(file).split(separator: "\n") where words.contains(where: { line.contains($0) }) {
        #expect(line.matches(of: output).allSatisfy { $0.output.1 != nil }, "\(file): \(line)")
      }
    }
  }

  @Test("every file that the map names is there")
  func files() throws {
    let page = try Self.text("Sources/README.md")
    let paths = page.matches(of: /`((?:\w+\/)+\w+\.(?:swift|h|c|md))`/).map { String($0.output.1) }
    #expect(paths.count > 20)
    for path in paths {
      #expect(["", "Sources/"].contains { Files.exists("\(Self.root)/\($0)\(path)") }, "there is no \(path)")
    }
  }
}
