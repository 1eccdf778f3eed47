import Support

extension ArchitectureField {
  /// Every field, in the record's order; the flags are among them in the order of their bits.
  package static let all: [ArchitectureField] = shape + norms + positions + options + ropeScaling + attention
    + otherLayers + [placement]

  private static let shape: [ArchitectureField] = [
    count("layers", 0, \.layers, "1…2²⁴, as for the next seven"),
    count("d_model", 4, \.dModel),
    count("heads", 8, \.heads, "a multiple of kv_heads"),
    count("kv_heads", 12, \.kvHeads) { record in
      record[8] % record[12] == 0 ? nil : "\(record[8]) heads cannot share \(record[12]) key-value heads"
    },
    count("head_dim", 16, \.headDim),
    count("d_ff", 20, \.dFF),
    count("vocabulary", 24, \.vocabulary),
    count("context", 28, \.context, "in tokens"),
  ]

  private static let norms: [ArchitectureField] = [
    choice("norm", 32, \.norm, noun: "norm kind", [("layernorm", .layerNorm), ("rmsnorm", .rmsNorm)]),
    real("norm_epsilon", 36, \.normEpsilon, "finite, > 0") { record in
      let epsilon = record.float(36)
      return epsilon.isFinite && epsilon > 0 ? nil : "the norm's epsilon \(epsilon) is not positive"
    },
  ]

  private static let isRotary: @Sendable (Architecture) -> Bool = { $0.position == .rotary }

  private static let positions: [ArchitectureField] = [
    choice("position", 40, \.position, noun: "position kind", [("learned", .learned), ("rotary", .rotary)]),
    ArchitectureField(
      "rotary_dims", 44, .word, "with rotary: even, 2…head_dim", word: { UInt32(clamping: $0.rotaryDim) },
      read: { $1.rotaryDim = Int($0[44]) },
      problem: { record in
        let (dims, head) = (record[44], record[16])
        return record[40] == 0 || dims > 0 && dims % 2 == 0 && dims <= head
          ? nil : "\(dims) rotary dimensions do not fit a head of \(head)"
      }, json: { isRotary($0) ? .integer($0.rotaryDim) : nil }),
    real("rope_theta", 48, \.rotaryTheta, "with rotary: finite, > 1", applies: isRotary) { record in
      let theta = record.float(48)
      return record[40] == 0 || theta.isFinite && theta > 1 ? nil : "rope theta \(theta) is not above 1"
    },
  ]

  private static let options: [ArchitectureField] = [
    choice(
      "mlp", 52, \.mlp, noun: "MLP kind",
      [
        ("gelu", .gelu), ("swiglu", .swiglu), ("gelu_exact", .geluExact), ("geglu", .geglu),
        ("geglu_exact", .gegluExact), ("silu", .silu),
      ],
      allowed: "0 GELU (tanh form), 1 SwiGLU (SiLU with a gate), 2 GELU (by the normal distribution), "
        + "3 GEGLU (GELU in the tanh form with a gate), 4 GEGLU (by the normal distribution), 5 SiLU"),
    flag("attention_bias", 1, \.attentionBias, "attention bias") { record in
      record[flagsOffset] & ~knownFlags == 0 ? nil : "the flags \(record[flagsOffset]) are unknown"
    },
    flag("mlp_bias", 2, \.mlpBias, "MLP bias"),
    flag("norm_bias", 4, \.normBias, "norm bias"),
    flag("tied_embeddings", 8, \.tiedEmbeddings, "tied embeddings"),
    ArchitectureField(
      "attention_output_bias", flagsOffset, .flag, "no bias on the attention's output", mask: 16,
      word: { $0.attentionBias && !$0.attentionOutputBias ? 16 : 0 },
      read: { $1.attentionOutputBias = $1.attentionBias && $0[flagsOffset] & 16 == 0 },
      problem: { record in
        record[flagsOffset] & 17 == 16 ? "the flag for no output bias is set, but attention has no bias" : nil
      }, json: { .bool($0.attentionOutputBias) }),
    flag("parallel_residual", 32, \.parallelResidual, "attention and MLP side by side") { record in
      record[flagsOffset] & 32 == 0 || record[124] == 0
        ? nil : "attention and MLP are side by side, but there are norms after them"
    },
    flag("query_key_norm", 64, \.queryKeyNorm, "norms of queries and keys"),
    ArchitectureField(
      "rope_scaling", flagsOffset, .flag, "scaled rope", mask: 128, word: { $0.ropeScaling == nil ? 0 : 128 },
      read: { record, architecture in
        architecture.ropeScaling = record[flagsOffset] & 128 == 0 ? nil
          : RotaryScaling(factor: 1, lowFrequencyFactor: 1, highFrequencyFactor: 1, originalContext: 1)
      },
      problem: { record in
        record[flagsOffset] & 128 != 0 && record[40] == 0 ? "learned positions have no rope to scale" : nil
      }, json: { _ in nil }),
    flag("norm_unit_offset", 256, \.normUnitOffset, "norms multiply by 1 + weight", isAlwaysShown: false),
    flag(
      "query_key_norm_spans_heads", 512, \.queryKeyNormSpansHeads, "the norms of queries and keys span all heads",
      isAlwaysShown: false
    ) { record in
      record[flagsOffset] & 576 == 512 ? "norms of queries and keys span all heads, but there are none" : nil
    },
  ]

  private static let knownFlags: UInt32 = 1023

  /// The four words are 0 without the flag of a scaled rope.
  private static func scaled(
    _ key: String, _ offset: Int, _ form: Form, _ allowed: String,
    word: @escaping @Sendable (RotaryScaling) -> UInt32,
    read: @escaping @Sendable (ArchitectureRecord, inout RotaryScaling) -> Void,
    problem: @escaping @Sendable (ArchitectureRecord) -> String?,
    json: @escaping @Sendable (RotaryScaling) -> JSONValue
  ) -> ArchitectureField {
    ArchitectureField(
      "rope_scaling.\(key)", offset, form, allowed, word: { $0.ropeScaling.map(word) ?? 0 },
      read: { record, architecture in
        guard var scaling = architecture.ropeScaling else { return }
        read(record, &scaling)
        architecture.ropeScaling = scaling
      },
      problem: { record in
        if record[flagsOffset] & 128 != 0 { return problem(record) }
        return record[offset] == 0 ? nil : "the rope is scaled, but the flags do not say so"
      }, json: { $0.ropeScaling.map(json) })
  }

  private static let ropeScaling: [ArchitectureField] = [
    scaled(
      "factor", 60, .float, "with scaled rope: finite, ≥ 1; without it, this field and the next three are 0",
      word: { $0.factor.bitPattern }, read: { $1.factor = $0.float(60) },
      problem: { record in
        let factor = record.float(60)
        return factor.isFinite && factor >= 1 ? nil : "the rope's factor \(factor) is not at least 1"
      }, json: { .decimal($0.factor) }),
    scaled(
      "low_frequency_factor", 64, .float, "finite, > 0", word: { $0.lowFrequencyFactor.bitPattern },
      read: { $1.lowFrequencyFactor = $0.float(64) },
      problem: { record in
        let low = record.float(64)
        return low.isFinite && low > 0 ? nil : "the rope's low frequency factor \(low) is not positive"
      }, json: { .decimal($0.lowFrequencyFactor) }),
    scaled(
      "high_frequency_factor", 68, .float, "finite, above the low one", word: { $0.highFrequencyFactor.bitPattern },
      read: { $1.highFrequencyFactor = $0.float(68) },
      problem: { record in
        let high = record.float(68)
        return high.isFinite && high > record.float(64)
          ? nil : "the rope's high frequency factor \(high) is not above the low one"
      }, json: { .decimal($0.highFrequencyFactor) }),
    scaled(
      "original_context", 72, .word, "1…2²⁴, in tokens", word: { UInt32(clamping: $0.originalContext) },
      read: { $1.originalContext = Int($0[72]) },
      problem: { record in
        (1...(1 << 24)).contains(record[72]) ? nil : "the rope's context \(record[72]) is not in 1…16,777,216"
      }, json: { .integer($0.originalContext) }),
  ]

  private static let attention: [ArchitectureField] = [
    ArchitectureField(
      "window", 76, .word,
      "0 for none; else 1…2²⁴: a token attends to itself and the tokens before it, so many in all",
      word: { UInt32(clamping: $0.window) }, read: { $1.window = Int($0[76]) },
      problem: { $0[76] <= 1 << 24 ? nil : "the window \($0[76]) is not in 0…16,777,216" },
      json: { $0.window == 0 ? nil : .integer($0.window) }),
    ArchitectureField(
      "attention_scale", 80, .float, "0 for 1/√head_dim; else finite, > 0",
      word: { $0.attentionScale?.bitPattern ?? 0 }, read: { $1.attentionScale = $0[80] == 0 ? nil : $0.float(80) },
      problem: { record in
        let scale = record.float(80)
        return record[80] == 0 || scale.isFinite && scale > 0 ? nil : "attention_scale \(scale) is not positive"
      }, json: { $0.attentionScale.map { .decimal($0) } }),
    cap("attention_cap", 84, \.attentionCap),
    cap("logit_cap", 88, \.logitCap),
    factor("embedding_scale", 92, \.embeddingScale),
    factor("logit_scale", 96, \.logitScale),
    factor("residual_scale", 100, \.residualScale),
  ]

  /// Fields of the layers that differ; all are 0 if there are none.
  private static func ofOthers(
    _ key: String, _ offset: Int, _ form: Form, _ allowed: String,
    word: @escaping @Sendable (Architecture.OtherLayers) -> UInt32,
    read: @escaping @Sendable (ArchitectureRecord, inout Architecture.OtherLayers) -> Void,
    problem: @escaping @Sendable (ArchitectureRecord) -> String?,
    json: @escaping @Sendable (Architecture.OtherLayers) -> JSONValue
  ) -> ArchitectureField {
    ArchitectureField(
      "other_layers.\(key)", offset, form, allowed, word: { $0.otherLayers.map(word) ?? 0 },
      read: { record, architecture in
        guard record[104] > 0 else { return }
        var others = architecture.otherLayers ?? .init(period: 1, places: 0)
        read(record, &others)
        architecture.otherLayers = others
      },
      problem: { record in
        if record[104] > 0 { return problem(record) }
        let isZero = form == .long ? record.long(offset) == 0 : record[offset] == 0
        return isZero ? nil : "layers differ, but their pattern has the length 0"
      }, json: { $0.otherLayers.map(json) })
  }

  private static let otherLayers: [ArchitectureField] = [
    ofOthers(
      "period", 104, .word, "1…64 if some layers differ: their pattern is repeated every so many layers; "
        + "0 if all are equal, and then the next three fields are 0",
      word: { UInt32(clamping: $0.period) }, read: { $1.period = Int($0[104]) },
      problem: { record in
        record[104] <= Architecture.OtherLayers.longestPeriod
          ? nil : "the pattern of layers has the length \(record[104]), which is above 64"
      }, json: { .integer($0.period) }),
    ofOthers(
      "places", placesOffset, .long, "bit i: the layers i, i + period, … differ; some, not all",
      word: { _ in 0 }, read: { $1.places = $0.long(placesOffset) },
      problem: { record in
        let (period, places) = (UInt64(record[104]), record.long(placesOffset))
        let all = period == 64 ? UInt64.max : 1 << period - 1
        if places & ~all != 0 { return "layers beyond their pattern of \(period) differ" }
        return places == 0 || places == all ? "no layers differ, or all do" : nil
      }, json: { others in
        .array((0..<others.period).filter(others.contains).map { .integer($0) })
      }),
    ofOthers(
      "window", 116, .word, "of these layers", word: { UInt32(clamping: $0.window) },
      read: { $1.window = Int($0[116]) },
      problem: { $0[116] <= 1 << 24 ? nil : "the window \($0[116]) is not in 0…16,777,216" },
      json: { .integer($0.window) }),
    ofOthers(
      "rope_theta", 120, .float, "of these layers, whose rope is not scaled; 0 for layers without positions",
      word: { $0.rotaryTheta.bitPattern }, read: { $1.rotaryTheta = $0.float(120) },
      problem: { record in
        let theta = record.float(120)
        if record[120] == 0 { return nil }
        if record[40] == 0 { return "learned positions have no rope in some layers" }
        return theta.isFinite && theta > 1 ? nil : "rope theta \(theta) is not above 1"
      }, json: { .decimal($0.rotaryTheta) }),
  ]

  private static let placement = choice(
    "norm_placement", 124, \.normPlacement, noun: "norm placement",
    [("before", .before), ("after", .after), ("both", .both)],
    allowed: "norms of sub-layers: 0 before, on their inputs, 1 after, on their outputs, 2 both",
    shown: { $0 != .before })
}
