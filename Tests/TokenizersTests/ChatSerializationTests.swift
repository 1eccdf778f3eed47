import Dialogues
import Jinja
import Support
import Testing

@testable import Tokenizers

/// The chat format in the binary form of a tokenizer.
@Suite struct ChatSerializationTests {
  private let lab = TemplateLab()

  private func format(_ origin: ChatTemplate.Origin = .files, sources: [ChatTemplate.Source]? = nil) throws -> ChatFormat {
    let template = try ChatTemplate(
      sources ?? [.init(name: "default", text: TemplateLab.chatml), .init(name: "tool_use", text: "{{ strftime_now('%Y') }}é\r\n")],
      origin: origin, specialTokens: ["bos_token": "<s>", "eos_token": "</s>", "image_token": "<é>"],
      date: CalendarDate(year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 60), at: "here")
    return ChatFormat(
      name: "template", template: template, endTokens: [lab.id("<|im_end|>"), lab.id("</s>")], answerPrefix: " \n",
      documentBegin: [lab.id("<s>")], documentEnd: [lab.id("</s>")])
  }

  /// The bytes of a tokenizer's chat format, whose count stands in the header.
  private func chat(_ bytes: [UInt8]) -> [UInt8] {
    Array(bytes.suffix((0..<4).reduce(0) { $0 | Int(bytes[24 + $1]) << (8 * $1) }))
  }

  @Test("templates come back with their origin, names, date, special tokens and bytes", arguments: ChatTemplate.Origin.allCases)
  func roundTrip(origin: ChatTemplate.Origin) throws {
    let one = try lab.tokenizer(format(origin))
    #expect(one.serialized[4] == 3)
    let two = try Tokenizer(serialized: one.serialized)
    #expect(two.chatFormat == one.chatFormat && two.definition == one.definition)
    #expect(two.serialized == one.serialized && two.hash == one.hash)
    let template = try #require(two.chatFormat.template)
    #expect(template.origin == origin && template.sources.map(\.name) == ["default", "tool_use"])
    #expect(Array(template.sources[1].text.utf8) == Array("{{ strftime_now('%Y') }}é\r\n".utf8))
    #expect(template.date == CalendarDate(year: 2024, month: 2, day: 29, hour: 23, minute: 59, second: 60))
    #expect(template.specialTokens == ["bos_token": "<s>", "eos_token": "</s>", "image_token": "<é>"])
    #expect(two.chatFormat.answerPrefix == " \n" && two.endTokens == one.endTokens)
    #expect(try two.encode(prompt: [Turn(.user, "a")]) == one.encode(prompt: [Turn(.user, "a")]))
  }

  @Test("the layout is the documented one")
  func layout() throws {
    let text = "{# strftime_now #}"
    var format = try format(.gguf, sources: [.init(name: "default", text: text)])
    format.name = "ab"
    let end = UInt8(lab.id("<|im_end|>") - 256)
    func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count), 0] + text.utf8 }
    let expected: [UInt8] =
      short("ab") + short(" \n") + [2, end, 1, 0, 0, end + 2, 1, 0, 0, 1, end + 1, 1, 0, 0, 1, end + 2, 1, 0, 0]
      + [1, ChatTemplate.Origin.gguf.rawValue, 0xE8, 7, 2, 29, 23, 59, 60]
      + [3] + short("bos_token") + short("<s>") + short("eos_token") + short("</s>") + short("image_token") + short("<é>")
      + [1] + short("default") + [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
    #expect(try chat(lab.tokenizer(format).serialized) == expected)
    let own: [UInt8] = short("tinyrlhf") + short("") + Array(repeating: [1, 0, 0, 0, 0], count: 3).joined() + [0]
    #expect(try chat(lab.tokenizer(.tinyrlhf).serialized) == own)
  }

  @Test("the format of our own tokenizers comes back in another's definition")
  func builtIn() throws {
    var definition = sampleTokenizer.definition
    definition.vocabularyCount += 12
    let one = try Tokenizer(definition)
    let two = try Tokenizer(serialized: one.serialized)
    #expect(two.chatFormat == .tinyrlhf && two.definition == one.definition)
    #expect(try two.encode(prompt: [Turn(.user, "a")]) == sampleTokenizer.encode(prompt: [Turn(.user, "a")]))
  }

  @Test(
    "a damaged chat format is refused, and the error says how it is damaged",
    arguments: [
      (0, 9, "the chat format"), (33, 2, "the chat format has the form 2, over 1"),
      (34, 6, "the chat template has the unknown origin 6"),
      (35, 0xE7, "the chat template's date is not valid"), (37, 13, "the chat template's date is not valid"),
      (38, 30, "the chat template's date is not valid"), (39, 24, "the chat template's date is not valid"),
      (40, 60, "the chat template's date is not valid"), (41, 61, "the chat template's date is not valid"),
    ] as [(Int, UInt8, String)])
  func damaged(offset: Int, value: UInt8, expected: String) throws {
    let tokenizer = try lab.tokenizer(format())
    var bytes = tokenizer.serialized
    let start = bytes.count - chat(bytes).count
    // Behind the name's 10 bytes, the prefix's 4, and 9, 5 and 5 of lists.
    bytes[start + offset] = value
    let refusal = failure { _ = try Tokenizer(serialized: bytes, at: "model.trlhf") }
    #expect(refusal?.what.hasPrefix(expected) == true, "\(refusal as Any)")
    #expect(refusal?.kind == .badData && refusal?.place == "model.trlhf")
  }

  @Test("special tokens out of order are damage: equal tokenizers have equal bytes")
  func order() throws {
    let bytes = try lab.tokenizer(format()).serialized
    let text = Array("bos_token".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
    for first in "fe".utf8 {
      var changed = bytes
      changed[place] = first
      // The second makes the key that follows.
      if first == UInt8(ascii: "e") { changed[place + 1] = UInt8(ascii: "o") }
      #expect(throws: Failure.self) { try Tokenizer(serialized: changed) }
    }
  }

  @Test("any cut or flipped bit of a chat format gives an error or a valid tokenizer, never a trap")
  func fuzz() throws {
    let tokenizer = try lab.tokenizer(format())
    let old = Version2(lab).tokenizer(closing: true, standing: "Be.", prefix: " ")
    for good in [tokenizer.serialized, old] {
      let start = good.count - chat(good).count
      _ = try Tokenizer(serialized: good)
      for length in start..<good.count {
        #expect(throws: Failure.self) { try Tokenizer(serialized: Array(good[..<length])) }
      }
      var valid = 0
      for byte in Array(4..<28) + Array(start..<good.count) {
        for bit in 0..<8 {
          var bytes = good
          bytes[byte] ^= 1 << bit
          guard let changed = try? Tokenizer(serialized: bytes) else { continue }
          valid += 1
          // A date that nothing asks for any more may go.
          let isDated = changed.chatFormat.template?.sources.contains { $0.text.contains("strftime_now") } ?? true
          if bytes[4] == 3, isDated { #expect(changed.serialized == bytes, "\(byte) \(bit)") }
          _ = try? changed.encode(prompt: [Turn(.user, "ab <|im_end|> é")])
          _ = try? changed.encode(dialogue: Prompt(turns: [Turn(.user, "a"), Turn(.assistant, "b")]), learning: [1])
          _ = changed.encode(completion: "a")
        }
      }
      #expect(valid > 20)
    }
  }
}

/// Tokenizers in version 2, whose chat format has fixed pieces.
private struct Version2 {
  enum Piece { case token(Int32), text(String) }

  let lab: TemplateLab

  init(_ lab: TemplateLab) { self.lab = lab }

  static func number(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  static func text(_ text: String) -> [UInt8] { number(text.utf8.count, 2) + text.utf8 }

  static func list(_ pieces: [Piece]) -> [UInt8] {
    number(pieces.count, 1)
      + pieces.flatMap { piece -> [UInt8] in
        switch piece {
        case .token(let token): [0] + number(Int(token), 4)
        case .text(let text): [1] + self.text(text)
        }
      }
  }

  /// ChatML with a begin token, or what differs.
  /// - Parameter closing: whether past answers have the end token.
  func tokenizer(
    closing: Bool, standing: String?, prefix: String, flags: Int? = nil, pieces: [[Piece]]? = nil
  ) -> [UInt8] {
    let (start, end) = (Piece.token(lab.id("<|im_start|>")), Piece.token(lab.id("<|im_end|>")))
    let lists = pieces ?? [
      [.token(lab.id("<s>"))], [start, .text("system\n")], [end, .text("\n")], [start, .text("user\n")],
      [end, .text("\n")], [start, .text("assistant\n")], [.text("\n")],
    ]
    var chat = Self.text("chatml") + Self.text(prefix)
    chat += Self.number(flags ?? (closing ? 1 : 0) | (standing == nil ? 0 : 2), 1)
    if let standing { chat += Self.text(standing) }
    for list in lists { chat += Self.list(list) }
    for list in [[lab.id("<|im_end|>"), lab.id("</s>")], [lab.id("<s>")], [lab.id("</s>")]] {
      chat += Self.number(list.count, 1) + list.flatMap { Self.number(Int($0), 4) }
    }
    let definition = lab.definition(.tinyrlhf)
    var bytes = Array("TRBP".utf8) + [2, definition.splitting.rawValue, definition.normalization.rawValue, 0]
    for value in [0, definition.vocabularyCount, definition.tokens.count, definition.merges.count, chat.count] {
      bytes += Self.number(value, 4)
    }
    for token in definition.tokens {
      bytes += Self.number(Int(token.id), 4) + Self.number(token.bytes.count, 2) + [token.traits.rawValue, 0]
    }
    for token in definition.tokens { bytes += token.bytes }
    for merge in definition.merges {
      for id in [merge.left, merge.right, merge.result] { bytes += Self.number(Int(id), 4) }
    }
    return bytes + chat
  }
}

@Suite struct ChatVersion2Tests {
  private let lab: TemplateLab = {
    var lab = TemplateLab()
    lab.merges = [":(", "\n\n", "ab"]
    return lab
  }()

  private func shown(_ tokenizer: Tokenizer, _ turns: [Turn], asking: Bool) throws -> String {
    tokenizer.shown(try asking ? tokenizer.encode(prompt: turns) : tokenizer.encode(dialogue: Prompt(turns: turns)))
  }

  private let turns = [
    Turn(.user, "a<|im_end|>'\\"), Turn(.assistant, "b"), Turn(.user, "\n"), Turn(.assistant, "{{ d }}"),
  ]

  @Test("a tokenizer of version 2 gives the tokens that it gave: past answers closed, and the system's standing words")
  func chatml() throws {
    let bytes = Version2(lab).tokenizer(closing: true, standing: "It's \"so\".\n%}", prefix: "")
    let tokenizer = try Tokenizer(serialized: bytes)
    let system = "⟦<s>⟧⟦<|im_start|>⟧system\nIt's \"so\".\n%}⟦<|im_end|>⟧\n"
    let first = "⟦<|im_start|>⟧user\na<|im_end|>'\\⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\nb⟦<|im_end|>⟧\n"
    let second = "⟦<|im_start|>⟧user\n\n⟦<|im_end|>⟧\n⟦<|im_start|>⟧assistant\n"
    #expect(try shown(tokenizer, turns.dropLast(), asking: true) == system + first + second)
    // A dialogue ends with its last answer's end.
    #expect(try shown(tokenizer, turns, asking: false) == system + first + second + "{{ d }}⟦<|im_end|>⟧")
    let own = try shown(tokenizer, [Turn(.system, "x")] + turns.prefix(1), asking: true)
    #expect(own.hasPrefix("⟦<s>⟧⟦<|im_start|>⟧system\nx⟦<|im_end|>⟧\n⟦<|im_start|>⟧user"))
    #expect(tokenizer.shown(tokenizer.encode(completion: "w")) == "w⟦<|im_end|>⟧")
    #expect(tokenizer.shown(tokenizer.encode(document: "w")) == "⟦<s>⟧w⟦</s>⟧")
    #expect(tokenizer.chatFormat.name == "chatml" && tokenizer.chatFormat.shown == "chat format chatml")
    // A newline of the frame and one of the message are one token, as they were.
    #expect(try tokenizer.encode(prompt: turns).contains(257))
  }

  @Test("formats of text, which close the last answer alone, and put a space before answers, are what they were")
  func text() throws {
    let pieces: [[Version2.Piece]] = [
      [.token(lab.id("<s>"))], [], [], [.text("\n\nHuman: ")], [], [.text("\n\nAssistant:")], [],
    ]
    let bytes = Version2(lab).tokenizer(closing: false, standing: nil, prefix: " ", pieces: pieces)
    let tokenizer = try Tokenizer(serialized: bytes)
    let asked = "⟦<s>⟧\n\nHuman: a<|im_end|>'\\\n\nAssistant: b\n\nHuman: \n\n\nAssistant:"
    #expect(try shown(tokenizer, turns.dropLast(), asking: true) == asked)
    #expect(try shown(tokenizer, turns, asking: false) == asked + " {{ d }}⟦<|im_end|>⟧")
    #expect(tokenizer.shown(tokenizer.encode(completion: "w")) == " w⟦<|im_end|>⟧")
    #expect(tokenizer.decode(completion: tokenizer.encode(completion: "w")) == "w")
    let answered = try tokenizer.encode(Prompt(turns: Array(turns.dropLast())), answer: turns[3])
    #expect(tokenizer.shown(answered) == [" {{ d }}⟦<|im_end|>⟧"])
  }

  @Test("what it had no frame for is refused by its role, and not left out")
  func roles() throws {
    let tokenizer = try Tokenizer(
      serialized: Version2(lab).tokenizer(closing: true, standing: nil, prefix: ""))
    let refusal = failure { _ = try tokenizer.encode(prompt: [Turn(.user, "a"), Turn(.tool, "42")]) }
    #expect(refusal?.kind == .badData && refusal?.what.contains("tool") == true, "\(refusal as Any)")
  }

  @Test("once read, it is written in version 3 and stays the same tokenizer")
  func written() throws {
    let one = try Tokenizer(
      serialized: Version2(lab).tokenizer(closing: true, standing: "Be.", prefix: ""))
    let two = try Tokenizer(serialized: one.serialized)
    #expect(one.serialized[4] == 3 && two.definition == one.definition)
    #expect(try two.encode(prompt: turns) == one.encode(prompt: turns))
  }

  @Test("what is damaged in version 2 is named")
  func damaged() {
    let version = Version2(lab)
    func refusal(flags: Int? = nil, _ piece: Version2.Piece? = nil) -> String? {
      let pieces = piece.map { [[$0], [], [], [], [], [], []] }
      let bytes = version.tokenizer(closing: true, standing: nil, prefix: "", flags: flags, pieces: pieces)
      return failure { _ = try Tokenizer(serialized: bytes, at: "model.trlhf") }?.what
    }
    #expect(refusal(flags: 4) == "the chat format has the flags 4, over 3")
    #expect(refusal(.token(9999)) == "the chat format names token 9999, which does not exist")
    #expect(refusal(.text("a")) == nil)
  }
}
