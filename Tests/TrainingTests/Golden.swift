import Foundation
import Models
import Support
import Testing

/// A committed file of results by an independent implementation; see Tools/goldens.
struct Golden {
  let value: JSONValue

  static func load(_ name: String) throws -> Golden {
    let path = try #require(
      Bundle.module.path(forResource: name, ofType: "json", inDirectory: "Goldens"))
    return Golden(value: try JSON.decode(JSONValue.self, from: Files.read(path), at: path))
  }

  subscript(key: String) -> Golden {
    get throws { Golden(value: try #require(value[key], "no \"\(key)\" in the golden")) }
  }

  var list: [Golden] {
    get throws { try #require(value.array).map(Golden.init) }
  }
  var number: Double {
    get throws { try #require(value.number) }
  }
  var int: Int {
    get throws { Int(try number) }
  }
  var ints: [Int] {
    get throws { try list.map { try $0.int } }
  }
  var doubles: [Double] {
    get throws {
      let numbers = try list.map { try $0.number }
      try #require(!numbers.isEmpty)
      return numbers
    }
  }
  var floats: [Float] {
    get throws { try doubles.map { Float($0) } }
  }

  /// [{"name", "data": base64 of little-endian float32}], by name.
  var tensors: [String: [Float]] {
    get throws {
      Dictionary(
        uniqueKeysWithValues: try list.map { entry in
          let text = try #require(try entry["data"].value.string)
          let bytes = try #require(Data(base64Encoded: text))
          let values = stride(from: 0, to: bytes.count, by: 4).map { first in
            Float(
              bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[first + $1]) << (8 * $1) })
          }
          return (try #require(try entry["name"].value.string), values)
        })
    }
  }

  /// The Llama-style "architecture": RMSNorm, rotary positions, SwiGLU, no biases, not tied.
  var llama: Architecture {
    get throws {
      let a = try self["architecture"]
      return Architecture(
        layers: try a["layers"].int, dModel: try a["width"].int, heads: try a["heads"].int,
        kvHeads: try a["kv_heads"].int, headDim: try a["head_dim"].int,
        dFF: try a["feed_forward"].int, vocabulary: try a["vocabulary"].int,
        context: try a["context"].int, norm: .rmsNorm,
        normEpsilon: Float(try a["norm_epsilon"].number), position: .rotary,
        rotaryDim: try a["head_dim"].int, rotaryTheta: Float(try a["rotary_theta"].number),
        mlp: .swiglu, attentionBias: false, mlpBias: false, normBias: false, tiedEmbeddings: false)
    }
  }
}

/// |ours − golden| ≤ tolerance · max(1, |golden|), element by element.
func expectClose(
  _ ours: [Float], _ golden: [Double], _ tolerance: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(ours.map { Double($0) }, golden, tolerance, sourceLocation: sourceLocation)
}

func expectClose(
  _ ours: [Double], _ golden: [Double], _ tolerance: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(ours.count == golden.count, sourceLocation: sourceLocation)
  for (index, (a, b)) in zip(ours, golden).enumerated() {
    #expect(
      abs(a - b) <= tolerance * max(1, abs(b)), "element \(index): \(a) against \(b)",
      sourceLocation: sourceLocation)
  }
}

func expectClose(
  _ ours: Double, _ golden: Double, _ tolerance: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose([ours], [golden], tolerance, sourceLocation: sourceLocation)
}
