import Checkpoints
import Tensors

extension StoredParameters {
  /// The tensors of this model for writing to a checkpoint, in the types in which they are stored.
  public func sources(_ role: Role, section: SectionKind = .weights, prefix: String = "")
    -> [TensorSource]
  {
    func source(_ tensor: ParameterLayout.Tensor, _ kind: SectionKind) -> TensorSource {
      let values = stored(tensor.name)!
      return TensorSource(
        section: kind, role: role, name: prefix + tensor.name, dims: tensor.dims, type: TensorType(values.type),
        bytes: UnsafeRawBufferPointer(start: values.base, count: values.type.bytes * tensor.count))
    }
    let headSection = section == .weights ? SectionKind.head : section
    return layout.trunk.map { source($0, section) } + layout.head.map { source($0, headSection) }
  }
}
