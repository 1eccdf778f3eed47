// Upper and lower case, as in Python's `str`. A converted character keeps its origin.
extension Text {
  private func mapped(_ body: (Int, Unicode.Scalar.Properties) -> String) -> Text {
    var result: [UInt32] = []
    result.reserveCapacity(count)
    for (index, unit) in units.enumerated() {
      result.append(body(index, Text.scalar(unit).properties), like: unit)
    }
    return with(result)
  }

  func uppercased() -> Text {
    if isASCII { return with(units.map { (0x61...0x7A).contains(Text.value($0)) ? $0 ^ 0x20 : $0 }) }
    return mapped { $1.uppercaseMapping }
  }

  func lowercased() -> Text {
    if isASCII { return with(units.map { (0x41...0x5A).contains(Text.value($0)) ? $0 ^ 0x20 : $0 }) }
    return mapped { lower($0, $1) }
  }

  var isASCII: Bool { units.allSatisfy { Text.value($0) < 128 } }

  private func lower(_ index: Int, _ properties: Unicode.Scalar.Properties) -> String {
    if Text.value(units[index]) == 0x3A3 { return isFinal(index) ? "\u{3C2}" : "\u{3C3}" }
    return properties.lowercaseMapping
  }

  /// Whether the Greek sigma at `index` is at the end of a word.
  private func isFinal(_ index: Int) -> Bool {
    func cased(_ place: Int) -> Bool? {
      let properties = Text.scalar(units[place]).properties
      return properties.isCaseIgnorable ? nil : properties.isCased
    }
    var before = index - 1
    while before >= 0, cased(before) == nil { before -= 1 }
    guard before >= 0, cased(before) == true else { return false }
    var after = index + 1
    while after < count, cased(after) == nil { after += 1 }
    return after >= count || cased(after) == false
  }

  func capitalized() -> Text {
    mapped { $0 == 0 ? $1.titlecaseMapping : lower($0, $1) }
  }

  /// `str.title`: the first letter after a character that is not a letter becomes upper case.
  func titlecased() -> Text {
    var isInWord = false
    return mapped { index, properties in
      defer { isInWord = properties.isCased }
      return isInWord ? lower(index, properties) : properties.titlecaseMapping
    }
  }

  func swappingCase() -> Text {
    mapped { index, properties in
      if properties.isUppercase { return lower(index, properties) }
      return properties.isLowercase ? properties.uppercaseMapping : lower(index, properties)
    }
  }

  /// Case folding: maps letters that differ only in case to the same form.
  func casefolded() -> Text {
    mapped { index, properties in
      switch Text.value(units[index]) {
      case 0x1E9E: return "ss"
      case 0x13A0...0x13F5: return String(Text.scalar(units[index]))
      case 0x13F8...0x13FD, 0xAB70...0xABBF: return properties.uppercaseMapping
      default:
        guard properties.changesWhenCaseFolded else { return String(Text.scalar(units[index])) }
        return properties.uppercaseMapping.unicodeScalars.map(\.properties.lowercaseMapping).joined()
      }
    }
  }

  /// The filter `title`: words begin after spaces, hyphens and opening brackets.
  func wordsCapitalized() -> Text {
    var isStart = true
    return mapped { index, properties in
      let unit = units[index]
      let separates = isSpace(unit) || [0x2D, 0x28, 0x7B, 0x5B, 0x3C].contains(Text.value(unit))
      defer { isStart = separates }
      return isStart ? properties.uppercaseMapping : lower(index, properties)
    }
  }

  // MARK: Tests

  /// Whether there is a character for which `isRight` is true, and none for which `isWrong` is true.
  private func isAll(_ isRight: (UInt32) -> Bool, butNot isWrong: (UInt32) -> Bool) -> Bool {
    units.contains(where: isRight) && !units.contains(where: isWrong)
  }

  var isAllUppercase: Bool { isAll(isUppercase) { isLowercase($0) || isTitlecase($0) } }
  var isAllLowercase: Bool { isAll(isLowercase) { isUppercase($0) || isTitlecase($0) } }

  var isTitle: Bool {
    var (wasCased, hasCased) = (false, false)
    for unit in units {
      if isUppercase(unit) || isTitlecase(unit) {
        if wasCased { return false }
        (wasCased, hasCased) = (true, true)
      } else if isLowercase(unit) {
        if !wasCased { return false }
        hasCased = true
      } else {
        wasCased = false
      }
    }
    return hasCased
  }

  var isIdentifier: Bool {
    guard let first = units.first else { return false }
    func isStart(_ unit: UInt32) -> Bool {
      Text.value(unit) == 0x5F || Text.scalar(unit).properties.isXIDStart
    }
    return isStart(first) && units.allSatisfy { Text.scalar($0).properties.isXIDContinue }
  }

  func all(_ isRight: (UInt32) -> Bool) -> Bool { !units.isEmpty && units.allSatisfy(isRight) }
}
