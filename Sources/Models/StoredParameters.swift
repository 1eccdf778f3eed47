import Support
import Tensors

/// The tensors of a model by name, as they are stored. Code that only computes with a model accepts this; only a
/// `ParameterSet`, which is float32, can learn.
public protocol StoredParameters: Sendable {
  var layout: ParameterLayout { get }
  /// The values of the tensor with that name; nil if there is none.
  func stored(_ name: String) -> StoredFloats?
  /// Gives the memory of a mapped file's pages back after a copy was made.
  func releasePages()
}

extension StoredParameters {
  public func releasePages() {}

  /// The scalar head; nil if there is none.
  public var scalarHead: ScalarHead? {
    guard layout.hasScalarHead, let weight = stored("head.weight"), let bias = stored("head.bias") else { return nil }
    return ScalarHead(weight: weight.floats, bias: bias.floats)
  }

  /// The trunk's tensors and the head's, each with its values.
  public var storedTensors: [(tensor: ParameterLayout.Tensor, values: StoredFloats)] {
    (Array(layout.trunk) + Array(layout.head)).map { ($0, stored($0.name)!) }
  }

  /// The place of the first value that is NaN or infinite, as `tensor[index]`; nil if there is none.
  public var firstNonFinite: String? {
    let work = Work("checking weights", of: layout.trunkCount)
    defer { work.end() }
    for (tensor, values) in storedTensors {
      defer { work.advance(by: tensor.count) }
      if let index = values.firstNonFinite(count: tensor.count) { return "\(tensor.name)[\(index)]" }
    }
    return nil
  }

  /// The first NaN or, without NaNs, the value of the largest magnitude, as `tensor[index] = value`. It helps to find
  /// the cause if a model's outputs are not finite.
  public var largest: String {
    var (place, value) = ("", Float(0))
    for (tensor, values) in storedTensors {
      for i in 0..<tensor.count {
        let found = values[i]
        guard place.isEmpty || !(found.magnitude <= value.magnitude) else { continue }
        (place, value) = ("\(tensor.name)[\(i)]", found)
        if value.isNaN { return "\(place) = nan" }
      }
    }
    return "\(place) = \(value)"
  }
}

/// The linear head of a reward or value model: score = weight · hidden + bias.
public struct ScalarHead: @unchecked Sendable {
  /// [d]
  public let weight: UnsafeMutablePointer<Float>
  /// [1]
  public let bias: UnsafeMutablePointer<Float>
}

/// The parameters of a model whose matrices are stored in 16 bits, as a view of its mapped file.
struct MappedParameters: StoredParameters, @unchecked Sendable {
  let layout: ParameterLayout
  private let tensors: [String: StoredFloats]
  /// Keeps the memory alive.
  private let file: ModelFile

  init(_ layout: ParameterLayout, _ tensors: [String: StoredFloats], _ file: ModelFile) {
    self.layout = layout
    self.tensors = tensors
    self.file = file
  }

  /// Such a file is never written to: whatever learns is a copy.
  func releasePages() { file.checkpoint.releasePages() }

  func stored(_ name: String) -> StoredFloats? { tensors[name] }
}
