import Foundation
import Support
import TestSupport
import Testing

@testable import Interchange

/// CONFIGURATION.md, `ConfigurationKey.all` and what is done with a file.
@Suite struct ConfigurationTableTests {
  private static let document = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/Interchange/CONFIGURATION.md").path

  /// A golden of each family, and of classifiers.
  private static let goldens: [Family: String] = [
    .gpt2: "gpt2", .gptNeoX: "neox-parallel", .llama: "llama-rope", .qwen2: "qwen2", .qwen3: "qwen3",
    .mistral: "mistral", .smolLM3: "smollm3", .olmo2: "olmo2", .granite: "granite", .gemma2: "gemma2",
    .gemma3: "gemma3", .phi3: "phi3",
  ]

  private static func fields(_ name: String) throws -> [String: JSONValue] {
    try JSONFile.read([String: JSONValue].self, from: "\(Golden(name).path)/config.json", .configuration)
  }

  private func read(_ fields: [String: JSONValue]) throws -> HuggingFaceConfiguration {
    try HuggingFaceConfiguration(ConfigurationFields(fields, at: "config.json"))
  }

  /// The rows of the tables of `config.json`, of GGUF's model and of GGUF's tokenizer, as cells.
  private static func tables() throws -> [[[String]]] {
    let text = String(decoding: try Files.read(document), as: UTF8.self)
    let parts = text.components(separatedBy: "\n# GGUF").flatMap { $0.components(separatedBy: "\n## The tokenizer") }
    return parts.map { part in
      part.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        return [cells[0].trimmingCharacters(in: ["`"])] + cells.dropFirst()
      }
    }
  }

  /// "key family: use", of the document's first tables and of the rope's.
  private static func rows() throws -> (keys: Set<String>, inner: Set<String>) {
    var (keys, inner): (Set<String>, Set<String>) = ([], [])
    for cells in try tables()[0] {
      let key = cells[0]
      if cells[1].contains("llama3") {
        for type in cells[1].components(separatedBy: ", ") { inner.insert("\(key) \(type)") }
        continue
      }
      let families = cells[1] == "all" ? Family.all.map(\.modelType) : cells[1].components(separatedBy: ", ")
      let use = cells[2].split(separator: ":")[0]
      for family in families { keys.insert("\(key) \(family): \(use)") }
    }
    return (keys, inner)
  }

  private static func text(_ use: ConfigurationKey.Use) -> String {
    switch use {
    case .used: "used"
    case .ignored: "ignored"
    case .warned: "warned"
    case .must(let values): "must be " + (values.first.map { "`\(ConfigurationFields.text($0))`" } ?? "missing")
    }
  }

  @Test("the document's table is the program's")
  func document() throws {
    let (keys, inner) = try Self.rows()
    let known = ConfigurationKey.all.flatMap { key in
      key.families.map { "\(key.name) \($0.modelType): \(Self.text(key.use))" }
    }
    #expect(keys.count == known.count, "a key stands twice")
    #expect(keys.subtracting(known).isEmpty, "in the document alone: \(keys.subtracting(known).sorted())")
    #expect(Set(known).subtracting(keys).isEmpty, "in the program alone: \(Set(known).subtracting(keys).sorted())")
    let ropes =
      ConfigurationFields.ropeKeys.flatMap { ["\($0) default", "\($0) llama3"] }
      + ConfigurationFields.llama3Keys.map { "\($0) llama3" }
    #expect(inner == Set(ropes))
  }

  @Test("the document's tables of GGUF are the program's")
  func gguf() throws {
    let tables = try Self.tables()
    #expect(tables.count == 3)
    let names = GGUFKeys.readable.map(\.ggufName)
    var model: Set<String> = []
    for cells in tables[1] {
      for name in cells[1] == "all" ? names : cells[1].components(separatedBy: ", ") {
        model.insert("\(cells[0]) \(name): \(cells[2].split(separator: ":")[0])")
      }
    }
    let known = GGUFKeys.model.flatMap { key in
      key.families.map { "\(key.name) \($0.ggufName): \(Self.text(key.use))" }
    }
    #expect(model == Set(known), "\(model.symmetricDifference(known).sorted())")
    let tokenizer = Set(tables[2].map { "\($0[0]): \($0[1])" })
    let uses = Set(GGUFKeys.tokenizer.map { "\($0.key): \(Self.text($0.value))" })
    #expect(tokenizer == uses, "\(tokenizer.symmetricDifference(uses).sorted())")
  }

  @Test("an ignored key changes nothing, whatever its value, and a warned one is named", arguments: Family.all)
  func ignored(family: Family) throws {
    let fields = try Self.fields(try #require(Self.goldens[family]))
    let plain = try read(fields)
    #expect(plain.warnings.isEmpty, "\(plain.warnings)")
    for key in ConfigurationKey.all where key.families.contains(family) {
      guard key.use == .ignored || key.use == .warned else { continue }
      for value in [JSONValue.number(3), .string("x"), .bool(true), .array([.number(-1)]), .object(["x": .null])] {
        var changed = fields
        changed[key.name] = value
        let other = try read(changed)
        #expect(other.architecture == plain.architecture, "\(key.name)")
        let named = other.warnings.filter { $0.contains("\"\(key.name)\"") }.count
        #expect(named == (key.use == .warned ? 1 : 0) && other.warnings.count == named, "\(key.name)")
      }
    }
  }

  @Test("a value that must be another is refused by its key, and null says nothing", arguments: Family.all)
  func refused(family: Family) throws {
    let fields = try Self.fields(try #require(Self.goldens[family]))
    let plain = try read(fields).architecture
    for key in ConfigurationKey.all where key.families.contains(family) {
      guard case .must(let values) = key.use else { continue }
      for value in values + [.null] {
        var changed = fields
        changed[key.name] = value
        #expect(try read(changed).architecture == plain, "\(key.name)")
      }
      for value in [JSONValue.number(3), .string("x"), .object(["x": .number(1)])] {
        var changed = fields
        changed[key.name] = value
        let message = error { _ = try read(changed) }
        #expect(message?.contains("\"\(key.name)\"") == true, "\(key.name): \(message ?? "taken")")
      }
    }
  }

  @Test("a used key whose value cannot be read is an error by its name", arguments: Family.all)
  func used(family: Family) throws {
    let fields = try Self.fields(try #require(Self.goldens[family]))
    // The tokenizer reads the one, classifiers alone the others.
    let elsewhere = ["eos_token_id", "num_labels", "id2label", RewardHead.key]
    for key in ConfigurationKey.all where key.families.contains(family) && key.use == .used {
      guard !elsewhere.contains(key.name) else { continue }
      var changed = fields
      changed[key.name] = .array([.object(["x": .number(1)])])
      let message = error { _ = try read(changed) }
      #expect(message?.contains("\"\(key.name)\"") == true, "\(key.name): \(message ?? "taken")")
    }
    let classifier = try Self.fields(Golden.rewardModel)
    for key in elsewhere.dropFirst() {
      let changed = classifier.merging([key: .array([.object(["x": .number(1)])])]) { $1 }
      #expect(error { _ = try read(changed) }?.contains("\"\(key)\"") == true, "\(key)")
    }
  }

  @Test("an unknown key is named with its value, and refused where its name is one of the computation's")
  func unknown() throws {
    let fields = try Self.fields("llama-rope")
    func warnings(_ key: String, _ value: JSONValue) throws -> [String] {
      try read(fields.merging([key: value]) { $1 }).warnings
    }
    #expect(
      try warnings("colour", .string("red"))
        == ["config.json: \"colour\", which is \"red\", is unknown and ignored."])
    #expect(try warnings("colour", .null).isEmpty)
    // What switches a thing off is no reason to refuse.
    for value in [JSONValue.bool(false), .number(0), .string(""), .array([]), .object([:])] {
      #expect(try warnings("attn_logit_softcapping", value).count == 1)
    }
    #expect(try warnings("embedding_multiplier", .number(1)).count == 1)
    #expect(try warnings("attn_drop_rate", .number(0.1)).count == 1)
    for (key, value) in [
      ("attn_logit_softcapping", JSONValue.number(50)), ("embedding_multiplier", .number(12)),
      ("use_qk_norm", .bool(true)), ("rotary_pct", .number(0.5)), ("num_local_experts", .number(8)),
    ] {
      let message = error { _ = try warnings(key, value) }
      #expect(
        message == "config.json: \"\(key)\" is \(ConfigurationFields.text(value)): the key is unknown, and its name "
          + "suggests that it changes what the model computes. "
          + "Remove the key if transformers computes the same without it.")
    }
  }
}
