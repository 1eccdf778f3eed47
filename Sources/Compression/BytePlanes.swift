/// Bytes of equal significance side by side: the signs and exponents of floats lie together, where
/// they compress, apart from mantissas, which do not.
///     planes[p·n + i] = elements[i·width + p],   n = ⌊count / width⌋; what is left over follows
enum BytePlanes {
  static func split(
    _ elements: UnsafeRawBufferPointer, width: Int, into planes: UnsafeMutableRawBufferPointer
  ) {
    precondition(planes.count == elements.count, "\(planes.count) for \(elements.count) bytes")
    let n = elements.count / width
    for p in 0..<width {
      for i in 0..<n { planes[p * n + i] = elements[i * width + p] }
    }
    for i in n * width..<elements.count { planes[i] = elements[i] }
  }

  static func join(
    _ planes: UnsafeRawBufferPointer, width: Int, into elements: UnsafeMutableRawBufferPointer
  ) {
    precondition(planes.count == elements.count, "\(planes.count) for \(elements.count) bytes")
    let n = planes.count / width
    for p in 0..<width {
      for i in 0..<n { elements[i * width + p] = planes[p * n + i] }
    }
    for i in n * width..<planes.count { elements[i] = planes[i] }
  }
}
