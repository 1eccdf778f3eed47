import Support

/// Values of a reward model that a sequence-classification model of `transformers` lacks: the head's bias, and gain
/// and bias of the normalisation.
///
/// They are stored in `config.json` under `"tinyrlhf_reward"`, which other programs ignore:
///
///     reward = gain · (logit + head_bias) + bias
struct RewardHead: Equatable {
  static let key = "tinyrlhf_reward"

  var headBias: Float = 0
  /// nil for a model that was never normalised.
  var normalization: (gain: Float, bias: Float)?

  init(headBias: Float, normalization: (gain: Float, bias: Float)?) {
    self.headBias = headBias
    self.normalization = normalization
  }

  init(_ fields: ConfigurationFields) throws {
    guard let own = try fields.optionalFields(Self.key) else { return }
    headBias = try own.float("head_bias")
    guard own["gain"] != nil || own["bias"] != nil else { return }
    normalization = (try own.float("gain"), try own.float("bias"))
  }

  var json: JSONValue {
    var object = ["head_bias": JSONValue.number(Double(headBias))]
    if let (gain, bias) = normalization {
      object["gain"] = .number(Double(gain))
      object["bias"] = .number(Double(bias))
    }
    return .object(JSONObject(object))
  }

  static func == (a: RewardHead, b: RewardHead) -> Bool {
    a.headBias == b.headBias && a.normalization?.gain == b.normalization?.gain
      && a.normalization?.bias == b.normalization?.bias
  }
}
