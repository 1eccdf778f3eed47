import Support

/// One tensor and its values, as `inspect --tensor` shows it.
public struct TensorShow {
  private let tensor: StoredTensor
  private let entry: Inspection.Tensor
  private let statistics: TensorStatistics

  /// - Parameter tensor: one of the checkpoint's tensors.
  public init(_ tensor: StoredTensor, of checkpoint: Checkpoint, threads: Int) throws {
    self.tensor = tensor
    entry = Inspection.tensors(checkpoint).first { $0.address == tensor.address }!
    statistics = try TensorStatistics.of([tensor], threads: threads)[0]
  }

  /// The keys before the values.
  private struct Head: Encodable {
    let bytes: Int
    let dims: [Int]
    let hash, name, role, section, type: String
    let statistics: TensorStatistics
  }

  /// One JSON object on one line. It is written in pieces, so that a tensor may be larger than memory.
  ///
  /// Values are in row-major order. int8 values are shown as stored, scale times code. Values that are not finite are
  /// null.
  public func json(_ write: ([UInt8]) throws -> Void) throws {
    let head = Head(
      bytes: entry.bytes, dims: entry.dims, hash: entry.hash, name: entry.name, role: entry.role,
      section: entry.section, type: entry.type, statistics: statistics)
    try write(try JSON.encode(head).dropLast() + Array(",\"values\":[".utf8))
    for piece in tensor.pieces {
      for block in StoredTensor.blocks(piece) {
        var text = ""
        for (i, value) in tensor.values(block).enumerated() {
          if block.lowerBound + i > 0 { text += "," }
          text += value.isFinite ? value.description : "null"
        }
        try write(Array(text.utf8))
      }
    }
    try write(Array("]}\n".utf8))
  }

  /// Text for people: shape, statistics, and the first values of the first rows.
  public var text: String {
    var lines = [
      "\(entry.address): \(entry.dims.shape) \(entry.type), hash \(entry.hash)",
      "  " + statistics.text,
    ]
    let columns = tensor.dims.last ?? 1
    let rows = tensor.count / columns
    let width = min(columns, Self.shownColumns)
    for row in 0..<min(rows, Self.shownRows) {
      let shown = tensor.values(row * columns..<row * columns + width).map {
        Self.pad(Self.figure(Double($0)), 11)
      }
      lines.append("  " + shown.joined(separator: " ") + (width < columns ? " …" : ""))
    }
    if rows > Self.shownRows { lines.append("  …") }
    if tensor.type == .int8 { lines.append("  " + TensorType.storedValues) }
    return lines.joined(separator: "\n") + "\n"
  }

  private static let shownRows = 8
  private static let shownColumns = 6

  /// Aligns a text to the right.
  static func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// Three to six significant digits.
  static func figure(_ value: Double?) -> String {
    guard let value else { return "–" }
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    if abs(value) >= 1e-4 && abs(value) < 1e6 {
      let digits = abs(value) >= 1000 ? 0 : abs(value) >= 1 ? 3 : abs(value) >= 0.1 ? 4 : 6
      return Formatting.fixed(value, digits)
    }
    var (mantissa, exponent) = (value, 0)
    while abs(mantissa) >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while abs(mantissa) < 1 {
      mantissa *= 10
      exponent -= 1
    }
    return "\(Formatting.fixed(mantissa, 3))e\(exponent)"
  }
}

extension TensorStatistics {
  /// One line for people.
  var text: String {
    var parts = [
      "min \(TensorShow.figure(minimum.map(Double.init)))",
      "max \(TensorShow.figure(maximum.map(Double.init)))",
      "mean \(TensorShow.figure(mean))", "std \(TensorShow.figure(standardDeviation))",
    ]
    parts += [(zeros, "zeros"), (nans, "NaN"), (infinities, "infinite")].compactMap { count, name in
      count > 0 ? "\(count) \(name)" : nil
    }
    return parts.joined(separator: "  ")
  }
}
