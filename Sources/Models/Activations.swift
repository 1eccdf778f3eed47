import Tensors

/// The activations of the layers. For a backward pass they are kept for every layer; otherwise all layers share the
/// buffers of one layer. Values that the backward pass computes again (the norms' outputs, the activated MLP) are
/// never kept.
struct Activations {
  /// Values that the backward pass of the query and key norms needs.
  struct HeadActivations {
    let input: Matrix  // queries and keys before normalisation [T, (h + kv)·hd]
    let queryRstd: UnsafeMutablePointer<Float>  // [T, h]
    let keyRstd: UnsafeMutablePointer<Float>  // [T, kv]
  }

  /// What the backward pass of a norm on a sub-layer's output needs.
  struct NormedOutput {
    let product: Matrix  // the sub-layer's output before the norm [T, d]
    let statistics: NormStatistics
  }

  struct Layer {
    let input: Matrix  // residual stream before the layer   [T, d]
    let statistics1: NormStatistics
    let qkv: Matrix  // queries, keys, values; rotated     [T, (h + 2·kv)·hd]
    let heads: HeadActivations?
    let attention: Matrix  // [T, h·hd]
    let lse: UnsafeMutablePointer<Float>  // [T, h]
    let output1: NormedOutput?  // nil without a norm on the attention's output
    let middle: Matrix  // residual stream after attention (after the MLP if parallelResidual) [T, d]
    let statistics2: NormStatistics
    let up: Matrix  // [T, f] or [T, 2f]; the backward pass overwrites it with its gradient
    let output2: NormedOutput?  // the same for the MLP's output
    let output: Matrix  // residual stream after the layer    [T, d]
  }

  let layers: [Layer]
  let normed: Matrix  // a norm's output in the current layer [T, d]
  let activated: Matrix  // the activated MLP of the current layer [T, f]
  let finalStatistics: NormStatistics
  let hidden: Matrix  // after the final norm [T, d]

  init(_ a: Architecture, rows: Int, keepsLayers: Bool, arena: Arena) throws {
    func matrix(_ name: String, _ columns: Int) throws -> Matrix {
      Matrix(try arena.floats("activations/\(name)", rows * columns), rows, columns)
    }
    func statistics(_ name: String) throws -> NormStatistics {
      NormStatistics(
        mean: try arena.floats("activations/\(name) mean", rows),
        rstd: try arena.floats("activations/\(name) rstd", rows))
    }
    func normedOutput(_ name: String) throws -> NormedOutput? {
      guard a.normPlacement != .before else { return nil }
      return NormedOutput(product: try matrix("\(name) product", a.dModel), statistics: try statistics(name))
    }
    func heads(_ name: String) throws -> HeadActivations {
      HeadActivations(
        input: try matrix("\(name) queries and keys", a.queryWidth + a.keyValueWidth),
        queryRstd: try arena.floats("activations/\(name) query rstd", rows * a.heads),
        keyRstd: try arena.floats("activations/\(name) key rstd", rows * a.kvHeads))
    }
    func layer(_ name: String, input: Matrix) throws -> Layer {
      Layer(
        input: input, statistics1: try statistics("\(name) norm1"),
        qkv: try matrix("\(name) qkv", a.qkvWidth),
        heads: keepsLayers && a.queryKeyNorm ? try heads(name) : nil,
        attention: try matrix("\(name) attention", a.queryWidth),
        lse: try arena.floats("activations/\(name) lse", rows * a.heads),
        output1: try normedOutput("\(name) output norm1"),
        middle: keepsLayers ? try matrix("\(name) middle", a.dModel) : input,
        statistics2: try statistics("\(name) norm2"), up: try matrix("\(name) up", a.upWidth),
        output2: try normedOutput("\(name) output norm2"),
        output: keepsLayers ? try matrix("\(name) output", a.dModel) : input)
    }
    var stream = try matrix("embedding", a.dModel)
    var layers: [Layer] = []
    if keepsLayers {
      for index in 0..<a.layers {
        layers.append(try layer("layer \(index)", input: stream))
        stream = layers[index].output
      }
    } else {
      layers = Array(repeating: try layer("layer", input: stream), count: a.layers)
    }
    self.layers = layers
    normed = try matrix("normed", a.dModel)
    activated = try matrix("activated", a.dFF)
    finalStatistics = try statistics("final norm")
    hidden = try matrix("hidden", a.dModel)
  }
}
