import Checkpoints
import Tensors

extension ParameterSet {
  /// The tensors of this model for writing to a checkpoint.
  public func sources(_ role: Role, section: SectionKind = .weights, prefix: String = "")
    -> [TensorSource]
  {
    func source(
      _ tensor: ParameterLayout.Tensor, _ base: UnsafeMutablePointer<Float>, _ kind: SectionKind
    ) -> TensorSource {
      TensorSource(
        section: kind, role: role, name: prefix + tensor.name, dims: tensor.dims, type: .float32,
        bytes: UnsafeRawBufferPointer(start: base + tensor.offset, count: 4 * tensor.count))
    }
    let headSection = section == .weights ? SectionKind.head : section
    return layout.trunk.map { source($0, trunk, section) }
      + layout.head.map { source($0, head!, headSection) }
  }
}
