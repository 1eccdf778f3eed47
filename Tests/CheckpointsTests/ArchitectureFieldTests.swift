import Support
import Testing

@testable import Checkpoints

/// The list of fields is the only one: header, JSON, description and the readers in other languages follow it.
@Suite struct ArchitectureFieldTests {
  private static let root = #filePath.components(upTo: "/Tests/")

  private func text(_ path: String) throws -> String {
    String(decoding: try Files.read("\(Self.root)/\(path)"), as: UTF8.self)
  }

  /// Every field has another value than in a plain model.
  private static let unusual = Architecture(
    layers: 9, dModel: 24, heads: 6, kvHeads: 3, headDim: 10, dFF: 33, vocabulary: 301, context: 77, norm: .rmsNorm,
    normEpsilon: 1e-6, position: .rotary, rotaryDim: 4, rotaryTheta: 500_000,
    ropeScaling: RotaryScaling(factor: 8, lowFrequencyFactor: 1.5, highFrequencyFactor: 4, originalContext: 8192),
    mlp: .gegluExact, attentionBias: true, attentionOutputBias: false, mlpBias: false, normBias: false,
    tiedEmbeddings: false, queryKeyNorm: true, queryKeyNormSpansHeads: true, normPlacement: .both,
    normUnitOffset: true, window: 512, attentionScale: 0.125, attentionCap: 50, logitCap: 30, embeddingScale: 25.5,
    logitScale: 0.25, residualScale: -0.22,
    otherLayers: .init(period: 64, places: 1 << 63 | 5, window: 16, rotaryTheta: 10_000))

  private func stored(_ architecture: Architecture) -> ArchitectureRecord {
    ArchitectureRecord(architecture).bytes.withUnsafeBytes { ArchitectureRecord($0) }
  }

  @Test("an architecture is read as it was written, whatever its fields")
  func roundTrip() {
    var sequential = Self.unusual
    (sequential.parallelResidual, sequential.normPlacement) = (true, .before)
    let plain = Architecture(layers: 2, dModel: 8, heads: 2, vocabulary: 300, context: 64)
    var withoutPositions = Self.unusual
    withoutPositions.otherLayers = .init(period: 4, places: 0b1000)
    for architecture in [Self.unusual, sequential, plain, withoutPositions] {
      let record = stored(architecture)
      #expect(record.contradiction() == nil)
      #expect(record.architecture == architecture)
    }
  }

  @Test("a plain model has zeros in every word that earlier programs did not have")
  func zeros() {
    let plain = Architecture(layers: 2, dModel: 8, heads: 2, vocabulary: 300, context: 64)
    #expect(ArchitectureRecord(plain).bytes[76...].allSatisfy { $0 == 0 })
  }

  @Test("the words of the list lie side by side, and no bit of the flags is used twice")
  func places() {
    var end = 0
    for field in ArchitectureField.all where field.form != .flag {
      if end == ArchitectureField.flagsOffset { end += 4 }
      #expect(field.offset == end, "\(field.key)")
      end = field.offset + (field.form == .long ? 8 : 4)
    }
    #expect(end == Format.recordBytes)
    let masks = ArchitectureField.all.map(\.mask).filter { $0 != 0 }
    #expect(masks == (0..<masks.count).map { 1 << UInt32($0) })
  }

  @Test("JSON has every field of an unusual model under its key")
  func json() {
    for field in ArchitectureField.all where field.key != "rope_scaling" {
      let value = field.key.split(separator: ".").reduce(Optional(Self.unusual.json)) { $0?[String($1)] }
      #expect(value != nil, "\(field.key)")
    }
    #expect(Self.unusual.json["other_layers"]?["places"] == .array([0, 2, 63].map { .number($0) }))
    let plain = Architecture(layers: 2, dModel: 8, heads: 2, vocabulary: 300, context: 64).json
    #expect(plain["rope_theta"] == nil && plain["window"] == nil && plain["norm_placement"] == nil)
    #expect(plain["mlp"] == .string("gelu") && plain["attention_output_bias"] == .bool(true))
  }

  @Test("FORMAT.md describes the fields in the words of the list")
  func format() throws {
    let rows = ArchitectureField.formatRows.joined(separator: "\n")
    #expect(try text("Sources/Checkpoints/FORMAT.md").contains("\n\(rows)\n"), "FORMAT.md needs:\n\(rows)")
  }

  @Test("the Python reader has the same words and bits")
  func python() throws {
    let source = try text("Tools/trlhf.py")
    let list = try #require(source.components(upTo: "FLAGS = {").split(separator: "FIELDS = (").last)
    let words = list.matches(of: /\((\d+), "(\w)", "([\w.]+)"\)/).map { "\($0.1) \($0.2) \($0.3)" }
    let letters: [ArchitectureField.Form: String] = [.word: "I", .float: "f", .long: "Q"]
    var expected = ArchitectureField.all.compactMap { field in
      letters[field.form].map { (field.offset, "\(field.offset) \($0) \(field.key)") }
    }
    expected.append((ArchitectureField.flagsOffset, "\(ArchitectureField.flagsOffset) I flags"))
    #expect(words == expected.sorted { $0.0 < $1.0 }.map(\.1))
    for field in ArchitectureField.all where field.form == .flag {
      #expect(source.contains("\(field.mask): \"\(field.key)\""), "\(field.key)")
    }
  }

  @Test("the Kaitai description has the same words")
  func kaitai() throws {
    let source = try text("Tools/trlhf.ksy")
    let part = try #require(
      source.split(separator: "  architecture:\n    seq:\n").last?.split(separator: "  training:\n").first)
    let words = part.matches(of: /- id: (\w+)\n\s+type: (\w+)/).map { "\($0.1) \($0.2)" }
    let types: [ArchitectureField.Form: String] = [.word: "u4", .float: "f4", .long: "u8"]
    var expected = ArchitectureField.all.compactMap { field in
      types[field.form].map { (field.offset, "\(field.key.replacing(".", with: "_")) \($0)") }
    }
    expected.append((ArchitectureField.flagsOffset, "flags u4"))
    #expect(words == expected.sorted { $0.0 < $1.0 }.map(\.1))
  }
}

extension String {
  /// The text before the first occurrence of `mark`; the whole text if there is none.
  fileprivate func components(upTo mark: String) -> String {
    firstRange(of: mark).map { String(self[..<$0.lowerBound]) } ?? self
  }
}
