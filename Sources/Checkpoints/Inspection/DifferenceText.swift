import Support

extension CheckpointDifference {
  /// Text for people: one line per difference; empty if there is none.
  public var text: String {
    var lines = fields.map { "\($0.field): \(Self.shown($0.a)) | \(Self.shown($0.b))" }
    lines += tensors.map(\.text)
    lines += onlyInA.map { "\($0): only in \(a)" }
    lines += onlyInB.map { "\($0): only in \(b)" }
    return lines.map { Terminal.harmless($0) + "\n" }.joined()
  }

  private static let shownCharacters = 60

  private static func shown(_ value: JSONValue) -> String {
    if value == .null { return "–" }
    let text = (try? JSON.line(value)) ?? "?"
    return text.count > shownCharacters ? text.prefix(shownCharacters) + "…" : text
  }
}

extension TensorDifference {
  private static let apart = "not compared: int8 values are stored balanced and rotated (FORMAT.md)"

  var text: String {
    var parts: [String] = []
    if dimsA != dimsB { parts.append("\(dimsA.shape) | \(dimsB.shape)") }
    if typeA != typeB { parts.append("\(typeA) | \(typeB)") }
    let int8 = "\(TensorType.int8)"
    if dimsA == dimsB, [typeA, typeB].contains(int8) {
      parts.append(typeA == typeB ? "as stored, balanced and rotated" : Self.apart)
    }
    if let differing {
      parts.append("\(differing) of \(dimsA.reduce(1, *)) elements differ")
      parts.append(
        maximumAbsolute.map { "by at most \(TensorShow.figure($0))" } ?? "some of them not finite")
      parts.append("relative L2 \(TensorShow.figure(relativeL2))")
    }
    return "\(tensor): " + parts.joined(separator: ", ")
  }
}
