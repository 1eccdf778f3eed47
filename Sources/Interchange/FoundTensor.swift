import Models
import Support

/// One of our tensors and the tensors of an archive that it is made from; their shapes are checked.
struct FoundTensor {
  let correspondence: Correspondence
  let parts: [(tensor: ForeignTensor, elements: any StoredElements)]

  /// - Parameter remedy: returns the remedy for a missing tensor by its name.
  init(
    _ wanted: Correspondence, in archive: some TensorArchive, missing remedy: (String) -> String? = { _ in nil }
  ) throws {
    correspondence = wanted
    parts = try wanted.parts.map { part in
      let tensor = try archive.find(part, missing: remedy(part.name))
      return (tensor, try tensor.storedElements())
    }
  }

  var ours: ParameterLayout.Tensor { correspondence.ours }
  var rows: Int { correspondence.rows }
  var width: Int { correspondence.width }

  /// Reads our rows `range` as float32.
  /// - Throws: `Failure(.badData)` for a value that is not finite.
  func read(_ range: Range<Int>, into floats: UnsafeMutablePointer<Float>) throws {
    switch correspondence.arrangement {
    case .transposed: readTransposed(range, into: floats)
    case .rows(let runs):
      for run in runs {
        let found = range.clamped(to: run.first..<run.first + run.count)
        guard !found.isEmpty else { continue }
        let (tensor, elements) = parts[run.part]
        elements.read(
          tensor.bytes.baseAddress!, from: (run.theirs + found.lowerBound - run.first) * width,
          count: found.count * width, into: floats + (found.lowerBound - range.lowerBound) * width)
      }
    }
    try requireFinite(floats, range)
    if correspondence.offset != 0 {
      for i in 0..<range.count * width { floats[i] -= correspondence.offset }
    }
  }

  private func readTransposed(_ range: Range<Int>, into floats: UnsafeMutablePointer<Float>) {
    let (tensor, elements) = parts[0]
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { column in
      for k in 0..<width {
        elements.read(
          tensor.bytes.baseAddress!, from: k * rows + range.lowerBound, count: range.count,
          into: column.baseAddress!)
        for n in 0..<range.count { floats[n * width + k] = column[n] }
      }
    }
  }

  private func requireFinite(_ floats: UnsafePointer<Float>, _ range: Range<Int>) throws {
    var largest: UInt32 = 0
    for i in 0..<range.count * width { largest = max(largest, floats[i].bitPattern & 0x7F80_0000) }
    guard largest == 0x7F80_0000 else { return }
    let index = (0..<range.count * width).first { !floats[$0].isFinite }!
    let row = range.lowerBound + index / width
    var part = 0
    if case .rows(let runs) = correspondence.arrangement {
      part = runs.first { ($0.first..<$0.first + $0.count).contains(row) }!.part
    }
    throw Failure(
      .badData, "a value is \(floats[index])", at: parts[part].tensor.place,
      remedy: "Copy the file again; such a value is not usable.")
  }
}
