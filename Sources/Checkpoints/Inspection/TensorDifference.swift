import CSupport
import Support

/// The difference between the values of two tensors with the same address.
///
/// Two int8 tensors are compared by their stored values, scale times code. An int8 tensor is not compared with one of
/// another type, whose values are not balanced and rotated.
public struct TensorDifference: Encodable, Sendable {
  public let tensor: String
  public let dimsA, dimsB: [Int]
  public let typeA, typeB: String
  /// The number of elements that differ. This and the next two are null if the dims differ, or if exactly one of the
  /// two tensors is int8.
  public let differing: Int?
  /// null also if a differing pair contains a value that is not finite.
  public let maximumAbsolute: Double?
  /// ‖a − b‖₂ / ‖a‖₂ over finite elements; null also if a is zero.
  public let relativeL2: Double?

  enum CodingKeys: String, CodingKey {
    case tensor, differing
    case dimsA = "dims_a"
    case dimsB = "dims_b"
    case typeA = "type_a"
    case typeB = "type_b"
    case maximumAbsolute = "max_abs_difference"
    case relativeL2 = "relative_l2"
  }

  /// Writes every key, with null for values that are not known.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(tensor, forKey: .tensor)
    try container.encode(dimsA, forKey: .dimsA)
    try container.encode(dimsB, forKey: .dimsB)
    try container.encode(typeA, forKey: .typeA)
    try container.encode(typeB, forKey: .typeB)
    try container.encode(differing, forKey: .differing)
    try container.encode(maximumAbsolute, forKey: .maximumAbsolute)
    try container.encode(relativeL2, forKey: .relativeL2)
  }

  static func of(
    _ pairs: [(StoredTensor, StoredTensor)], threads: Int
  ) throws -> [TensorDifference] {
    let pieces = pairs.indices.flatMap { index -> [(Int, Range<Int>)] in
      let (a, b) = pairs[index]
      return areComparable(a, b) ? a.pieces.map { (index, $0) } : []
    }
    let parts = try Parallel.map(pieces.count, threads: threads, as: "comparing") { number in
      let (index, piece) = pieces[number]
      return distance(pairs[index].0, pairs[index].1, piece)
    }
    var distances = [ts_distance](repeating: ts_distance(), count: pairs.count)
    for (number, part) in parts.enumerated() { distances[pieces[number].0].add(part) }
    return zip(pairs, distances).map { TensorDifference($0.0, $0.1, $1) }
  }

  private static func areComparable(_ a: StoredTensor, _ b: StoredTensor) -> Bool {
    a.dims == b.dims && (a.type == .int8) == (b.type == .int8)
  }

  private static func distance(
    _ a: StoredTensor, _ b: StoredTensor, _ piece: Range<Int>
  ) -> ts_distance {
    var total = ts_distance()
    StoredTensor.withScratch { one in
      StoredTensor.withScratch { other in
        for block in StoredTensor.blocks(piece) {
          a.with(block, scratch: one) { a in
            b.with(block, scratch: other) { b in
              var distance = ts_distance()
              ts_distance_of(a, b, block.count, &distance)
              total.add(distance)
            }
          }
        }
      }
    }
    return total
  }

  private init(_ a: StoredTensor, _ b: StoredTensor, _ distance: ts_distance) {
    let isComparable = Self.areComparable(a, b)
    tensor = a.address
    (dimsA, dimsB) = (a.dims, b.dims)
    (typeA, typeB) = (a.typeName, b.typeName)
    differing = isComparable ? Int(distance.differing) : nil
    maximumAbsolute = isComparable && distance.not_finite == 0 ? distance.largest : nil
    relativeL2 =
      isComparable && distance.reference > 0
      ? (distance.squares / distance.reference).squareRoot() : nil
  }
}

extension ts_distance {
  fileprivate mutating func add(_ other: ts_distance) {
    squares += other.squares
    reference += other.reference
    largest = max(largest, other.largest)
    differing += other.differing
    not_finite += other.not_finite
  }
}
