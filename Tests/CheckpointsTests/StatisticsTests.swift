import Support
import Testing

@testable import Checkpoints

@Suite struct StatisticsTests {
  /// Statistics as their definitions have them.
  private struct Plain {
    let finite: [Double]
    let mean: Double
    let deviation: Double

    init(_ values: [Float]) {
      finite = values.filter(\.isFinite).map(Double.init)
      let mean = finite.reduce(0, +) / Double(finite.count)
      self.mean = mean
      deviation =
        (finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(finite.count)).squareRoot()
    }
  }

  private func expect(_ statistics: TensorStatistics, of values: [Float]) {
    let plain = Plain(values)
    #expect(statistics.minimum.map(Double.init) == plain.finite.min())
    #expect(statistics.maximum.map(Double.init) == plain.finite.max())
    #expect(statistics.zeros == values.count { $0 == 0 })
    #expect(statistics.nans == values.count(where: \.isNaN))
    #expect(statistics.infinities == values.count { $0.isInfinite })
    guard !plain.finite.isEmpty else {
      #expect(statistics.mean == nil && statistics.standardDeviation == nil)
      return
    }
    // n·ε for sums of float64, on values of about one.
    let tolerance = 1e-15 * Double(values.count) + 1e-15
    #expect(abs(statistics.mean! - plain.mean) <= tolerance)
    #expect(abs(statistics.standardDeviation! - plain.deviation) <= tolerance)
  }

  @Test("statistics are what their definitions give, for every length and for values that are not finite")
  func definitions() throws {
    var lengths = Array(1...40)
    lengths += [8191, 8192, 8193, 1 << 20, 1 << 20 + 17, 2_500_001]
    for (number, length) in lengths.enumerated() {
      var random = RandomStream(seed: 2, purpose: "statistics", index: UInt64(length))
      var values = (0..<length).map { _ in random.normal() + 3 }
      if number % 3 > 0 { values[length / 2] = 0 }
      if number % 4 == 1 { values[length - 1] = .nan }
      if number % 4 == 2 { values[0] = -.infinity }
      let sample = Sample(floats: values)
      let checkpoint = try Checkpoint(path: sample.write())
      let results = try (1...3).map {
        try TensorStatistics.of(checkpoint.tensors, threads: $0)[0]
      }
      expect(results[0], of: values)
      #expect(results[0] == results[1] && results[0] == results[2], "threads, \(length) elements")
      withExtendedLifetime(checkpoint) {}
    }
  }

  @Test("statistics of bfloat16 and int8 tensors are those of their values")
  func types() throws {
    let sample = Sample()
    let checkpoint = try Checkpoint(path: sample.write())
    let statistics = try TensorStatistics.of(checkpoint.tensors, threads: 2)
    for (tensor, found) in zip(checkpoint.tensors, statistics) {
      expect(found, of: tensor.values(0..<tensor.count))
    }
    let codes = try checkpoint.tensor(called: "codes")
    let values = codes.values(0..<17 * 5)
    for n in 0..<17 {
      for k in 0..<5 { #expect(values[5 * n + k] == Float(n + 1) * Float(n - k)) }
    }
    let brain = try checkpoint.tensor(called: "brain")
    #expect(
      brain.values(0..<21) == (0..<21).map { Float(bitPattern: UInt32(0x3F80 + $0) << 16) })
    #expect(brain.values(5..<8) == Array(brain.values(0..<21)[5..<8]))
    withExtendedLifetime(checkpoint) {}
  }

  @Test("a tensor is found by its name, and by more than its name where that is not enough")
  func choice() throws {
    let sample = Sample()
    let path = try sample.write()
    let checkpoint = try Checkpoint(path: path)
    #expect(try checkpoint.tensor(called: "cube").dims == [2, 3, 5, 7])
    #expect(try checkpoint.tensor(called: "value/embedding").dims == [5, 5])
    #expect(try checkpoint.tensor(called: "moments/policy/first/embedding").dims == [300, 8])
    let several = #expect(throws: Failure.self) { try checkpoint.tensor(called: "embedding") }
    #expect(several?.kind == .usage && several?.place == path)
    let remedy = several?.remedy ?? ""
    #expect(remedy.contains("weights/policy/embedding, weights/value/embedding"), "\(remedy)")
    let none = #expect(throws: Failure.self) { try checkpoint.tensor(called: "embeddings") }
    #expect(none?.kind == .usage && none?.what.contains("\"embeddings\"") == true)
    withExtendedLifetime(checkpoint) {}
  }

  @Test("a tensor's JSON has its values in row-major order, and null for what is not finite")
  func json() throws {
    let values = (0..<20_000).map { i in
      i == 7 ? .nan : i == 9000 ? Float.infinity : Float(i) * 0.1 - 3
    }
    let sample = Sample(floats: values)
    let checkpoint = try Checkpoint(path: sample.write())
    let show = try TensorShow(checkpoint.tensors[0], of: checkpoint, threads: 2)
    var bytes: [UInt8] = []
    try show.json { bytes += $0 }
    let object = try JSON.decode(JSONValue.self, from: bytes, at: "tensor")
    #expect(object["dims"] == .array([.number(20_000)]) && object["type"] == .string("float32"))
    let read = try #require(object["values"]?.array)
    #expect(read.count == values.count)
    for (found, value) in zip(read, values) {
      #expect(found == .null ? !value.isFinite : found.number.map { Float($0) } == value)
    }
    #expect(object["statistics"]?["nan"] == .number(1))
    #expect(object["statistics"]?["infinite"] == .number(1))
    // What people see stays small.
    #expect(show.text.count < 1000 && show.text.contains("20000 float32"), "\(show.text)")
    withExtendedLifetime(checkpoint) {}
  }
}
