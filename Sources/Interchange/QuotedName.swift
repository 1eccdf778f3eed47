/// A name from a file, for an error message. A long name is shortened, because a malicious file may have one of
/// millions of bytes.
func shortened(_ name: [UInt8], limit: Int = 100) -> String {
  guard name.count > limit else { return String(decoding: name, as: UTF8.self) }
  var end = limit
  while end > 0, name[end] & 0xC0 == 0x80 { end -= 1 }
  return String(decoding: name[..<end], as: UTF8.self) + "…"
}

func quoted(_ name: [UInt8]) -> String { "\"\(shortened(name))\"" }

func quoted(_ name: String) -> String { quoted(Array(name.utf8)) }
