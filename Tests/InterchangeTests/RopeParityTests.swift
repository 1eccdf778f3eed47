import Foundation
import Support
import TestSupport
import Testing

@testable import Interchange
@testable import Models
@testable import Training

/// Ways to state a rope in config.json; Tools/goldens/make_interchange.py asks `transformers` what each computes.
@Suite struct RopeParityTests {
  private struct Variants: Decodable {
    struct Variant: Decodable {
      var set: [String: JSONValue]
      /// Of the tokens behind the first; nil where `transformers` refuses.
      var logprob: Double?
    }

    var tokens: [Int32]
    var variants: [Variant]
  }

  private func logprob(_ folder: String, _ tokens: [Int32]) throws -> Double {
    let imported = try Imported(folder)
    let bench = try Bench(imported.model.architecture)
    let width = imported.model.architecture.vocabulary
    let logits = bench.logits(try imported.file.weights(), [tokens])
    return (0..<tokens.count - 1).reduce(0) { sum, row in
      let values = logits[row * width..<(row + 1) * width].map { Double($0) }
      let largest = values.max()!
      let whole = values.reduce(0) { $0 + exp($1 - largest) }
      return sum + values[Int(tokens[row + 1])] - largest - log(whole)
    }
  }

  @Test("a rope is computed as transformers computes it, or refused by its name", arguments: ["llama", "neox"])
  func variants(family: String) throws {
    let path = try #require(Bundle.module.path(forResource: "ropes", ofType: nil, inDirectory: "Goldens")) + "/\(family)"
    let golden = try JSON.decode(Variants.self, from: Files.read("\(path)/variants.json"), at: "variants.json")
    let fields = try JSONFile.read([String: JSONValue].self, from: "\(path)/config.json", .configuration)
    let folder = TemporaryFolder()
    try folder.write(Files.read("\(path)/model.safetensors"), to: "model.safetensors")
    var computed = 0
    for variant in golden.variants {
      try folder.write(JSON.encode(fields.merging(variant.set) { $1 }), to: "config.json")
      let stated = String(decoding: try JSON.encode(variant.set), as: UTF8.self)
      do {
        let ours = try logprob(folder.path, golden.tokens)
        let theirs = try #require(variant.logprob, "\(stated): transformers refuses it")
        #expect(abs(ours - theirs) < 1e-4 * abs(theirs), "\(stated): \(ours), not \(theirs)")
        computed += 1
      } catch let failure as Failure {
        let names = ["rope", "rotary", "original_max_position_embeddings"]
        #expect(failure.kind == .badData && names.contains { failure.what.contains($0) }, "\(stated): \(failure)")
      }
    }
    #expect(computed >= (family == "llama" ? 16 : 7), "\(computed) of \(golden.variants.count)")
  }

  @Test("the score of a classifier is read at the last token that is no padding")
  func padding() throws {
    struct Padding: Decodable {
      struct Case: Decodable {
        var pad: Int32?
        var tokens: [Int32]
        var score: Double
      }

      var cases: [Case]
    }
    let golden = try Golden(Golden.rewardModel)
    let cases = try JSON.decode(Padding.self, from: Files.read("\(golden.path)/padding.json"), at: "padding.json").cases
    let imported = try Imported(golden.path)
    let bench = try Bench(imported.model.architecture)
    for one in cases {
      let sequence = RankedSequences.withoutPadding(one.tokens, one.pad)
      let ours = Double(bench.scores(try imported.file.parameters(), [sequence])[0])
      #expect(abs(ours - one.score) < 1e-4, "\(one.tokens), padding \(one.pad ?? -1): \(ours), not \(one.score)")
    }
    #expect(cases.count == 6)
  }
}
