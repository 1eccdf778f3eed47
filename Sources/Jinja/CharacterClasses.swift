// Python's tests of characters in text methods.

func isDigit(_ unit: UInt32) -> Bool { (0x30...0x39).contains(unit & Text.scalarMask) }

/// Python's `str.isspace`.
func isSpace(_ unit: UInt32) -> Bool {
  switch unit & Text.scalarMask {
  case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
    0x3000:
    true
  default: false
  }
}

/// Whether `str.splitlines` treats the character as the end of a line.
func isLineEnd(_ unit: UInt32) -> Bool {
  switch unit & Text.scalarMask {
  case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
  default: false
  }
}

private func category(_ unit: UInt32) -> Unicode.GeneralCategory {
  Text.scalar(unit).properties.generalCategory
}

func isAlphabetic(_ unit: UInt32) -> Bool {
  switch category(unit) {
  case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
  default: false
  }
}

func isDecimal(_ unit: UInt32) -> Bool { category(unit) == .decimalNumber }

func isDigitLike(_ unit: UInt32) -> Bool {
  let type = Text.scalar(unit).properties.numericType
  return type == .decimal || type == .digit
}

func isNumeric(_ unit: UInt32) -> Bool { Text.scalar(unit).properties.numericType != nil }

func isAlphanumeric(_ unit: UInt32) -> Bool {
  isAlphabetic(unit) || isDecimal(unit) || isDigitLike(unit) || isNumeric(unit)
}

func isUppercase(_ unit: UInt32) -> Bool { Text.scalar(unit).properties.isUppercase }
func isLowercase(_ unit: UInt32) -> Bool { Text.scalar(unit).properties.isLowercase }
func isTitlecase(_ unit: UInt32) -> Bool { category(unit) == .titlecaseLetter }

/// Whether `repr` prints the character unchanged.
func isPrintable(_ unit: UInt32) -> Bool {
  if unit & Text.scalarMask == 0x20 { return true }
  switch category(unit) {
  case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
    .spaceSeparator:
    return false
  default: return true
  }
}
