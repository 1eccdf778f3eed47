import CKernels
import Support
import Tensors
import TestSupport
import Testing

/// Where and how a kernel runs; no result may depend on any of it.
struct Setting {
  var parts: Int32 = 1
  /// How many floats every buffer starts after a 64-byte boundary.
  var offset = 0

  typealias Kernel = (UnsafeRawPointer?, Int32, Int32) -> Void

  /// Runs all parts, the last one first: they must not depend on each other.
  func run<Arguments>(_ kernel: Kernel, _ arguments: Arguments) {
    withUnsafePointer(to: arguments) { arguments in
      for part in (0..<parts).reversed() { kernel(UnsafeRawPointer(arguments), part, parts) }
    }
  }

  func floats(_ values: [Float]) -> Floats { Floats(values, offset: offset) }
  func zeros(_ count: Int) -> Floats { floats([Float](repeating: 0, count: count)) }
  func filled(_ count: Int, _ value: Float) -> Floats {
    floats([Float](repeating: value, count: count))
  }
}

/// Floats at a chosen misalignment, with guards on both sides.
final class Floats {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int
  private let block: UnsafeMutableRawPointer
  private static let guardValue: Float = -7.25e19

  init(_ values: [Float], offset: Int) {
    count = values.count
    block = .allocate(byteCount: (values.count + 64) * 4, alignment: 64)
    let all = block.bindMemory(to: Float.self, capacity: values.count + 64)
    for i in 0..<(values.count + 64) { all[i] = Self.guardValue }
    pointer = all + 16 + offset
    for (i, value) in values.enumerated() { pointer[i] = value }
  }

  deinit {
    let intact = (1...16).allSatisfy {
      pointer[-$0] == Self.guardValue && pointer[count + $0 - 1] == Self.guardValue
    }
    precondition(intact, "a kernel wrote outside its \(count) floats")
    block.deallocate()
  }

  var readOnly: UnsafePointer<Float> { UnsafePointer(pointer) }
  var values: [Float] { (0..<count).map { pointer[$0] } }
}

/// Computes under every instruction set, 1…4 parts and two misalignments, requires equal bits, and
/// returns them.
func everywhere(
  _ what: String = "", parts: [Int32] = [1, 2, 3, 4],
  at location: SourceLocation = #_sourceLocation,
  _ compute: (Setting) -> [Float]
) -> [Float] {
  var first: [Float]?
  for set in InstructionSet.available {
    for parts in parts {
      for offset in [0, 3] {
        let bits = set.use {
          compute(Setting(parts: parts, offset: offset))
        }
        guard let first else {
          first = bits
          continue
        }
        let same = first.count == bits.count
          && zip(first, bits).allSatisfy { $0.bitPattern == $1.bitPattern }
        #expect(
          same, "\(what): \(set), \(parts) parts, offset \(offset) differ from scalar",
          sourceLocation: location)
      }
    }
  }
  #expect(first?.isEmpty == false, sourceLocation: location)
  return first ?? []
}

/// Requires |got − want| ≤ tolerance·(1 + |want|) everywhere.
func expectClose(
  _ got: [Float], _ want: [Double], _ tolerance: Double, _ what: String = "",
  at location: SourceLocation = #_sourceLocation
) {
  #expect(got.count == want.count, "\(what)", sourceLocation: location)
  for (i, (g, w)) in zip(got, want).enumerated() {
    let fits = abs(Double(g) - w) <= tolerance * (1 + abs(w))
    if !fits {
      Issue.record("\(what): element \(i) is \(g), not \(w)", sourceLocation: location)
      return
    }
  }
}

/// n standard normal floats that depend on the name alone.
func normals(_ n: Int, _ name: String) -> [Float] {
  var stream = RandomStream(seed: 1, purpose: name)
  return (0..<n).map { _ in stream.normal() }
}

func doubles(_ x: [Float]) -> [Double] { x.map(Double.init) }
func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }

/// ∂f/∂x at the given coordinates (all, when nil) by central differences in float64.
func slopes(
  of f: ([Double]) -> Double, at x: [Double], coordinates: [Int]? = nil
) -> [Double] {
  let h = 1e-5
  return (coordinates ?? Array(x.indices)).map { i in
    var moved = x
    moved[i] = x[i] + h
    let above = f(moved)
    moved[i] = x[i] - h
    return (above - f(moved)) / (2 * h)
  }
}
