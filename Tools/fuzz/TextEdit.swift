/// An edit of a text puts, removes or repeats a piece: most edits leave JSON, and are met by what it says.
enum TextEdit {
  static func apply(_ bytes: inout [UInt8], _ pieces: [String], _ input: inout Bytes) {
    let kind = input.u8()
    guard !bytes.isEmpty, bytes.count < 1 << 16 else {
      _ = input.u16()
      _ = input.u8()
      return
    }
    let at = input.u16() % bytes.count
    let value = input.u8()
    let end = min(at + Int(value & 15) + 1, bytes.count)
    let piece = Array(pieces[Int(value) % pieces.count].utf8)
    switch kind & 3 {
    case 0:
      // In the place of the number or the text that stands there.
      let stops = Array(",:[]{}".utf8)
      let rest = bytes[at...].firstIndex { stops.contains($0) } ?? bytes.count
      bytes.replaceSubrange(at..<rest, with: piece)
    case 1: bytes.removeSubrange(at..<end)
    case 2: bytes.insert(contentsOf: kind & 4 == 0 ? piece : Array(bytes[at..<end]), at: at)
    default: bytes[at] = value
    }
  }
}
