import CSupport

/// Groups bytes of equal significance. The signs and exponents of floats, which compress well, are then separate from
/// the mantissas, which do not.
///     planes[p·n + i] = elements[i·width + p],   n = ⌊count / width⌋; the remaining bytes follow unchanged
enum BytePlanes {
  static func split(
    _ elements: UnsafeRawBufferPointer, width: Int, into planes: UnsafeMutableRawBufferPointer
  ) {
    move(elements, width: width, into: planes, by: ts_split_planes)
  }

  static func join(
    _ planes: UnsafeRawBufferPointer, width: Int, into elements: UnsafeMutableRawBufferPointer
  ) {
    move(planes, width: width, into: elements, by: ts_join_planes)
  }

  private static func move(
    _ source: UnsafeRawBufferPointer, width: Int, into target: UnsafeMutableRawBufferPointer,
    by planes: (UnsafePointer<UInt8>, Int, Int32, UnsafeMutablePointer<UInt8>) -> Void
  ) {
    precondition(source.count == target.count, "\(target.count) for \(source.count) bytes")
    guard let from = source.baseAddress, let to = target.baseAddress else { return }
    let n = source.count / width
    planes(
      from.assumingMemoryBound(to: UInt8.self), n, Int32(width),
      to.assumingMemoryBound(to: UInt8.self))
    for i in n * width..<source.count { target[i] = source[i] }
  }
}
