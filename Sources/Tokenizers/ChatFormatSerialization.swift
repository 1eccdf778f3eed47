import Jinja

extension ChatFormat {
  /// A text is u16 length and UTF-8, a template's text u32 length and UTF-8; a list is u8 count and its elements.
  ///
  ///     text name; text answer prefix
  ///     3 lists of u32 tokens: end tokens, begin of a document, end of a document
  ///     u8 form: 0 the built-in format (nothing follows); 1 templates
  ///     u8 origin: the raw value in `ChatTemplate.Origin`
  ///     u16 year, u8 month, day, hour, minute, second: the result of `strftime_now`
  ///     list of special tokens, each a text name and a text, sorted by name
  ///     list of templates, each a text name and a template's text
  ///
  /// - Parameter isDated: whether to write the template's date; otherwise `noDate` is written.
  func serialized(isDated: Bool = true) -> [UInt8] {
    var output: [UInt8] = []
    func append(_ text: String, width: Int = 2) {
      output.append(text.utf8.count, width: width)
      output += text.utf8
    }
    append(name)
    append(answerPrefix)
    for list in [endTokens, documentBegin, documentEnd] {
      output.append(UInt8(list.count))
      for token in list { output.append(Int(token), width: 4) }
    }
    guard let template else { return output + [0] }
    output += [1, template.origin.rawValue]
    let date = isDated ? template.date : ChatTemplate.noDate
    output.append(date.year, width: 2)
    output += [date.month, date.day, date.hour, date.minute, date.second].map { UInt8($0) }
    output.append(UInt8(template.specialTokens.count))
    for (key, token) in template.specialTokens.sorted(by: { $0.key < $1.key }) {
      append(key)
      append(token)
    }
    output.append(UInt8(template.sources.count))
    for source in template.sources {
      append(source.name)
      append(source.text, width: 4)
    }
    return output
  }

  init(_ reader: inout ByteReader, at place: String) throws {
    let (name, prefix) = (try reader.text(), try reader.text())
    var lists: [[Int32]] = []
    for _ in 0..<3 {
      var list: [Int32] = []
      for _ in 0..<(try reader.checkedNumber(1)) { list.append(try reader.token()) }
      lists.append(list)
    }
    let form: Form
    switch try reader.checkedNumber(1) {
    case 0: form = .tinyrlhf
    case 1: form = .template(try ChatTemplate(&reader, at: place))
    case let number: throw reader.failure("the chat format has the form \(number), over 1")
    }
    self.init(
      name: name, form: form, endTokens: lists[0], answerPrefix: prefix, documentBegin: lists[1],
      documentEnd: lists[2])
  }
}

extension ChatTemplate {
  fileprivate init(_ reader: inout ByteReader, at place: String) throws {
    let number = try reader.checkedNumber(1)
    guard let origin = Origin(rawValue: UInt8(number)) else {
      throw reader.failure("the chat template has the unknown origin \(number)")
    }
    let date = CalendarDate(
      year: try reader.checkedNumber(2), month: try reader.checkedNumber(1),
      day: try reader.checkedNumber(1), hour: try reader.checkedNumber(1),
      minute: try reader.checkedNumber(1), second: try reader.checkedNumber(1))
    guard date.isValid else { throw reader.failure("the chat template's date is not valid") }
    var tokens: [String: String] = [:]
    var last: String?
    for _ in 0..<(try reader.checkedNumber(1)) {
      let key = try reader.text()
      guard last.map({ $0 < key }) ?? true else {
        throw reader.failure("the chat format's special tokens are not in the order of their names")
      }
      tokens[key] = try reader.text()
      last = key
    }
    var sources: [Source] = []
    for _ in 0..<(try reader.checkedNumber(1)) {
      sources.append(Source(name: try reader.text(), text: try reader.text(width: 4)))
    }
    try self.init(sources, origin: origin, specialTokens: tokens, date: date, at: "\(place), chat template")
    guard self.date == date else {
      throw reader.failure("the chat template has a date, but no template shows one")
    }
  }
}

extension CalendarDate {
  /// Whether this is a valid date and time.
  public var isValid: Bool {
    guard (1...9999).contains(year), (1...12).contains(month), (0...23).contains(hour),
      (0...59).contains(minute), (0...60).contains(second)
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...days[month - 1]).contains(day)
  }
}
