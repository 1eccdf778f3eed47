import Support
import Testing

@testable import Interchange

/// Where a `config.json` says what the rope is; `transformers` 5.23 was asked what it makes of each.
@Suite struct RopeFieldsTests {
  private func rope(
    _ family: Family, _ fields: [String: JSONValue]
  ) throws -> (rope: Rope, warnings: [String]) {
    let whole = fields.merging(["max_position_embeddings": .number(128)]) { $1 }
    return try ConfigurationFields(whole, at: "config.json").rope(family)
  }

  private func rope(_ fields: [String: JSONValue]) throws -> (rope: Rope, warnings: [String]) {
    try rope(.llama, fields)
  }

  private func base(_ theta: Double, _ more: [String: JSONValue] = [:]) -> JSONValue {
    .object(JSONObject(more.merging(["rope_type": .string("default"), "rope_theta": .number(theta)]) { $1 }))
  }

  private let llama3: [String: JSONValue] = [
    "rope_type": .string("llama3"), "factor": .number(8), "low_freq_factor": .number(1),
    "high_freq_factor": .number(4), "original_max_position_embeddings": .number(16),
  ]

  @Test("the base stands inside either object or beside it, and inside wins with a warning")
  func bases() throws {
    #expect(try rope([:]).rope == Rope(theta: 10_000, share: 1))
    #expect(try rope(["rope_theta": .number(500)]).rope.theta == 500)
    for key in ["rope_scaling", "rope_parameters"] {
      #expect(try rope([key: base(500)]).rope.theta == 500)
      #expect(try rope([key: .object(["rope_type": .string("default")]), "rope_theta": .number(500)]).rope.theta == 500)
      let both = try rope([key: base(500), "rope_theta": .number(700)])
      #expect(both.rope.theta == 500)
      #expect(both.warnings == ["config.json: \"rope_theta\" is 700.0, but in \"\(key)\" it is 500.0, which is used."])
      #expect(try rope([key: base(500), "rope_theta": .number(500)]).warnings.isEmpty)
    }
  }

  @Test("of two objects one may be empty; else both describe one rope")
  func twice() throws {
    #expect(try rope(["rope_scaling": .object([:]), "rope_parameters": base(500)]).rope.theta == 500)
    #expect(try rope(["rope_scaling": .null, "rope_parameters": base(500)]).rope.theta == 500)
    #expect(try rope(["rope_scaling": base(500), "rope_parameters": base(500)]).rope.theta == 500)
    let differ: [[String: JSONValue]] = [
      ["rope_scaling": base(700), "rope_parameters": base(500)],
      ["rope_scaling": .object(["rope_type": .string("default")]), "rope_parameters": base(500)],
      ["rope_scaling": .object(JSONObject(llama3)), "rope_parameters": base(10_000)],
    ]
    for fields in differ {
      #expect(
        error { _ = try rope(fields) } == "config.json: \"rope_scaling\" and \"rope_parameters\" describe two different "
          + "ropes. Keep the one that the model was trained with.")
    }
  }

  @Test("a llama3 rope has its base inside or beside, and the model's context where it names none")
  func scaled() throws {
    let inside = try rope(["rope_scaling": .object(JSONObject(llama3.merging(["rope_theta": .number(500)]) { $1 }))]).rope
    #expect(inside.theta == 500 && inside.scaling?.originalContext == 16 && inside.scaling?.factor == 8)
    var open = llama3
    open["original_max_position_embeddings"] = nil
    open["rope_type"] = nil
    open["type"] = .string("llama3")
    let other = try rope(["rope_parameters": .object(JSONObject(open)), "rope_theta": .number(700)]).rope
    #expect(other.theta == 700 && other.scaling?.originalContext == 128)
  }

  @Test("a key that is left over in the object, another type, and two types are refused by name")
  func refusals() throws {
    for key in ["factor", "mrope_section", "full_attention", "attention_factor"] {
      let message = error { _ = try rope(["rope_scaling": base(500, [key: .number(2)])]) }
      #expect(
        message == "config.json, \"rope_scaling\": \"\(key)\" is 2, but a rope of the type \"default\" has no such key. "
          + "Remove it, or name the type that it belongs to.")
    }
    for type in ["linear", "dynamic", "yarn", "longrope", "su", "mrope"] {
      let message = error { _ = try rope(["rope_parameters": .object(["type": .string(type), "factor": .number(2)])]) }
      #expect(
        message == "config.json, \"rope_parameters\": the rope type \"\(type)\" is unknown. Supported: default and llama3.")
    }
    #expect(
      error { _ = try rope(["rope_scaling": base(500, ["type": .string("llama3")])]) }
        == "config.json, \"rope_scaling\": \"type\" is \"llama3\", but \"rope_type\" is \"default\". Correct one of the two.")
  }

  @Test("GPT-NeoX has names of its own; the general ones must agree with them")
  func gptNeoX() throws {
    #expect(try rope(.gptNeoX, [:]).rope == Rope(theta: 10_000, share: 0.25))
    #expect(
      try rope(.gptNeoX, ["rotary_emb_base": .number(500), "rotary_pct": .number(1)]).rope == Rope(theta: 500, share: 1))
    #expect(try rope(.gptNeoX, ["rope_scaling": base(300), "rotary_emb_base": .number(500)]).rope.theta == 300)
    #expect(
      try rope(.gptNeoX, ["rotary_emb_base": .number(500), "rope_theta": .number(500)]).rope.theta == 500)
    for (key, value) in [("rope_theta", 500.0), ("partial_rotary_factor", 0.5)] {
      #expect(error { _ = try rope(.gptNeoX, [key: .number(value)]) }?.contains("\"\(key)\" is \(value)") == true)
    }
  }
}
