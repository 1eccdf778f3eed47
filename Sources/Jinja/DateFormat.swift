import Support

extension CalendarDate {
  private static let days = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]

  /// Days since 1 January of the year 0 in the Gregorian calendar.
  private static func day(year: Int, month: Int, day: Int) -> Int {
    // Here the year begins in March, so that the leap day is its last day.
    let (shifted, years) = ((month + 9) % 12, month < 3 ? year - 1 : year)
    return years * 365 + years / 4 - years / 100 + years / 400 + (shifted * 306 + 5) / 10 + day - 1
  }

  /// 0 is Monday.
  private var weekday: Int { (CalendarDate.day(year: year, month: month, day: day) + 2) % 7 }
  private var dayOfYear: Int {
    CalendarDate.day(year: year, month: month, day: day) - CalendarDate.day(year: year, month: 1, day: 1) + 1
  }
  private var hourOfHalf: Int { (hour + 11) % 12 + 1 }

  private var isValid: Bool {
    (1...9999).contains(year) && (1...12).contains(month) && (1...31).contains(day)
      && (0...23).contains(hour) && (0...59).contains(minute) && (0...61).contains(second)
  }

  /// Python's `strftime` in the C locale.
  func formatted(_ format: Text, _ renderer: Renderer) throws -> Text {
    guard isValid else { throw renderer.failure("the date that is given does not exist") }
    var result: [UInt32] = []
    var rest = format.units[...]
    while let unit = rest.popFirst() {
      guard Text.value(unit) == 0x25 else {
        result.append(unit)
        continue
      }
      var isUnpadded = false
      if let flag = rest.first, Text.value(flag) == 0x2D {
        isUnpadded = true
        rest.removeFirst()
      }
      guard let letter = rest.popFirst().map({ Character(Text.scalar($0)) }) else {
        throw renderer.failure("the format of a date ends with '%'")
      }
      guard let shown = text(letter, isUnpadded: isUnpadded) else {
        throw renderer.failure("the format of a date knows no '%\(letter)'")
      }
      result.append(shown)
      try renderer.requireLength(result.count)
    }
    return format.with(result)
  }

  private func text(_ letter: Character, isUnpadded: Bool) -> String? {
    func number(_ value: Int, width: Int = 2, fill: Character = "0") -> String {
      let digits = String(value)
      if isUnpadded { return digits }
      return String(repeating: fill, count: max(0, width - digits.count)) + digits
    }
    if let named = name(letter) { return named }
    switch letter {
    case "d": return number(day)
    case "e": return number(day, fill: " ")
    case "H": return number(hour)
    case "k": return number(hour, fill: " ")
    case "I": return number(hourOfHalf)
    case "l": return number(hourOfHalf, fill: " ")
    case "j": return number(dayOfYear, width: 3)
    case "m": return number(month)
    case "M": return number(minute)
    case "S": return number(second)
    case "y": return number(year % 100)
    case "Y": return String(year)
    case "C": return number(year / 100)
    case "u": return String(weekday + 1)
    case "w": return String((weekday + 1) % 7)
    case "U": return number((dayOfYear + 6 - (weekday + 1) % 7) / 7)
    case "W": return number((dayOfYear + 6 - weekday) / 7)
    default: return composed(letter)
    }
  }

  private func name(_ letter: Character) -> String? {
    switch letter {
    case "a": String(CalendarDate.days[weekday].prefix(3))
    case "A": CalendarDate.days[weekday]
    case "b", "h": String(CalendarDate.months[month - 1].prefix(3))
    case "B": CalendarDate.months[month - 1]
    case "p": hour < 12 ? "AM" : "PM"
    case "P": hour < 12 ? "am" : "pm"
    case "Z", "z": ""
    case "f": "000000"
    case "n": "\n"
    case "t": "\t"
    case "%": "%"
    default: nil
    }
  }

  private func composed(_ letter: Character) -> String? {
    let parts: [Character: String] = [
      "c": "a b e H:M:S Y", "D": "m/d/y", "x": "m/d/y", "F": "Y-m-d", "R": "H:M", "T": "H:M:S",
      "X": "H:M:S", "r": "I:M:S p",
    ]
    return parts[letter]?.map { $0.isLetter ? text($0, isUnpadded: false) ?? "" : String($0) }.joined()
  }
}
