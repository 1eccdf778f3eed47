import Support

/// A field of the architecture: its place in the header's record, what is allowed, and its form in JSON. Header,
/// validation, `inspect` and `--diff` follow this list; tests compare it with `FORMAT.md`, `Tools/trlhf.py` and
/// `Tools/trlhf.ksy`.
package struct ArchitectureField: Sendable {
  package enum Form: String, Sendable {
    case word = "u32"
    case float = "f32"
    case long = "u64"
    /// Bits of the word of flags.
    case flag
  }

  /// The key in JSON; a dot separates the key of an object and the key in it.
  package let key: String
  /// In the record, in bytes.
  package let offset: Int
  package let form: Form
  /// What is allowed, for FORMAT.md; for a flag, what it says.
  package let allowed: String
  /// The stored word of an architecture; for a flag, its bit or 0.
  let word: @Sendable (Architecture) -> UInt32
  /// Takes the field from a record without contradiction.
  let read: @Sendable (ArchitectureRecord, inout Architecture) -> Void
  /// What is wrong with the field in this record; nil if nothing is.
  let problem: @Sendable (ArchitectureRecord) -> String?
  /// The value in JSON; nil if the field does not apply to this architecture.
  let json: @Sendable (Architecture) -> JSONValue?

  static let flagsOffset = 56
  static let placesOffset = 108

  /// The bit of a flag; 0 for other fields.
  package let mask: UInt32

  init(
    _ key: String, _ offset: Int, _ form: Form, _ allowed: String, mask: UInt32 = 0,
    word: @escaping @Sendable (Architecture) -> UInt32,
    read: @escaping @Sendable (ArchitectureRecord, inout Architecture) -> Void,
    problem: @escaping @Sendable (ArchitectureRecord) -> String?,
    json: @escaping @Sendable (Architecture) -> JSONValue?
  ) {
    self.key = key
    self.offset = offset
    self.form = form
    self.allowed = allowed
    self.mask = mask
    self.word = word
    self.read = read
    self.problem = problem
    self.json = json
  }
}

// MARK: Kinds of fields

extension ArchitectureField {
  typealias Path<Value> = any WritableKeyPath<Architecture, Value> & Sendable

  /// A number of things, 1…2²⁴.
  static func count(
    _ key: String, _ offset: Int, _ path: Path<Int>, _ allowed: String = "",
    problem: @escaping @Sendable (ArchitectureRecord) -> String? = { _ in nil }
  ) -> ArchitectureField {
    ArchitectureField(
      key, offset, .word, allowed, word: { UInt32(clamping: $0[keyPath: path]) },
      read: { $1[keyPath: path] = Int($0[offset]) },
      problem: { record in
        guard (1...(1 << 24)).contains(record[offset]) else {
          return "\(key) \(record[offset]) is not in 1…16,777,216"
        }
        return problem(record)
      },
      json: { .integer($0[keyPath: path]) })
  }

  /// A value of a list, stored as its position in the list.
  static func choice<Value: Equatable & Sendable>(
    _ key: String, _ offset: Int, _ path: Path<Value>, noun: String,
    _ choices: [(name: String, value: Value)], allowed: String? = nil,
    shown: @escaping @Sendable (Value) -> Bool = { _ in true }
  ) -> ArchitectureField {
    ArchitectureField(
      key, offset, .word,
      allowed ?? choices.enumerated().map { "\($0) \($1.name)" }.joined(separator: ", "),
      word: { architecture in
        UInt32(choices.firstIndex { $0.value == architecture[keyPath: path] }!)
      },
      read: { $1[keyPath: path] = choices[Int($0[offset])].value },
      problem: { $0[offset] < choices.count ? nil : "the \(noun) \($0[offset]) is unknown" },
      json: { architecture in
        let value = architecture[keyPath: path]
        return shown(value) ? .string(choices.first { $0.value == value }!.name) : nil
      })
  }

  /// A number. If `plain` is given, this value is stored as 0 and left out in JSON.
  static func real(
    _ key: String, _ offset: Int, _ path: Path<Float>, _ allowed: String, plain: Float? = nil,
    applies: @escaping @Sendable (Architecture) -> Bool = { _ in true },
    problem: @escaping @Sendable (ArchitectureRecord) -> String?
  ) -> ArchitectureField {
    ArchitectureField(
      key, offset, .float, allowed,
      word: { $0[keyPath: path] == plain ? 0 : $0[keyPath: path].bitPattern },
      read: { record, architecture in
        architecture[keyPath: path] = record[offset] == 0 ? plain ?? 0 : record.float(offset)
      },
      problem: problem,
      json: { architecture in
        let value = architecture[keyPath: path]
        return applies(architecture) && value != plain ? .decimal(value) : nil
      })
  }

  /// A factor that is usually 1.
  static func factor(_ key: String, _ offset: Int, _ path: Path<Float>) -> ArchitectureField {
    real(key, offset, path, "0 for 1; else finite, not 0 and not 1", plain: 1) { record in
      let value = record.float(offset)
      return record[offset] == 0 || value.isFinite && value != 0 && value != 1
        ? nil : "\(key) \(value) is not a finite number other than 0 and 1"
    }
  }

  /// A limit that is usually absent.
  static func cap(_ key: String, _ offset: Int, _ path: Path<Float>) -> ArchitectureField {
    real(key, offset, path, "0 for none; else finite, > 0", plain: 0) { record in
      let value = record.float(offset)
      return record[offset] == 0 || value.isFinite && value > 0 ? nil : "\(key) \(value) is not positive"
    }
  }

  /// A bit of the word of flags.
  static func flag(
    _ key: String, _ mask: UInt32, _ path: Path<Bool>, _ meaning: String, isAlwaysShown: Bool = true,
    problem: @escaping @Sendable (ArchitectureRecord) -> String? = { _ in nil }
  ) -> ArchitectureField {
    ArchitectureField(
      key, flagsOffset, .flag, meaning, mask: mask, word: { $0[keyPath: path] ? mask : 0 },
      read: { $1[keyPath: path] = $0[flagsOffset] & mask != 0 }, problem: problem,
      json: { isAlwaysShown || $0[keyPath: path] ? .bool($0[keyPath: path]) : nil })
  }
}

// MARK: JSON and FORMAT.md

extension Architecture {
  /// All fields that apply, as `inspect` shows them.
  package var json: JSONValue {
    var object = JSONObject()
    for field in ArchitectureField.all {
      guard let value = field.json(self) else { continue }
      let keys = field.key.split(separator: ".").map(String.init)
      guard keys.count == 2 else {
        object[field.key] = value
        continue
      }
      var inner = object[keys[0]]?.object ?? JSONObject()
      inner[keys[1]] = value
      object[keys[0]] = .object(inner)
    }
    return .object(object)
  }
}

extension ArchitectureField {
  /// The rows of FORMAT.md's table of the record.
  package static var formatRows: [String] {
    var rows: [String] = []
    for field in all where field.form != .flag {
      if field.offset > flagsOffset, !rows.contains(where: { $0.hasPrefix("| \(flagsOffset) |") }) {
        let flags = all.filter { $0.form == .flag }.map { "\($0.mask) \($0.allowed)" }
        rows.append("| \(flagsOffset) | u32 | flags | \(flags.joined(separator: ", ")) |")
      }
      rows.append("| \(field.offset) | \(field.form.rawValue) | \(field.key) | \(field.allowed) |")
    }
    return rows
  }
}
