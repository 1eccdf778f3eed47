// The reader of tokenizer.json, and what must hold for every tokenizer that it accepts.
import Jinja
import Support

@testable import Interchange
@testable import Tokenizers

/// An input is one byte, which chooses a sound file of one kind, a list of edits of it (`TextEdit`), and a
/// text: its length stands in the second byte.
final class VocabularyTarget: Target {
  private static let pieces: [String] = [
    "0", "1", "2", "5", "-1", "7.5", "1e9", "18446744073709551615", "null", "true", "false", "\"", "{", "}", "[",
    "]", ",", ":", "\"a\"", "\"ab\"", "\"Ġ\"", "\"▁\"", "\"<0x41>\"", "\"BPE\"", "\"Unigram\"", "\"ByteLevel\"",
    "\"NFC\"", "\"Metaspace\"", "\"ignore_merges\":true,", "\"byte_fallback\":true,", "\"unk_token\":\"a\",",
    "\"special\":true,", "\"normalized\":true,", "\"lstrip\":true,", "\"a b\"", "[\"a\",\"b\"]", "\"b\":6,", "\"x\":",
    "\\u0120", "\\ud800",
  ]

  private static let added = """
    "added_tokens":[{"id":5,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,\
    "normalized":false,"special":true}],"post_processor":null,
    """
  private static let digits = #"{"type":"Digits","individual_digits":true},"#

  private static func byteLevel(before: String = "", normalizer: String = "null") -> String {
    """
    {"version":"1.0",\(added)"normalizer":\(normalizer),"pre_tokenizer":{"type":"Sequence","pretokenizers":[\(before)\
    {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]},\
    "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},\
    "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,\
    "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,\
    "vocab":{"a":0,"b":1,"Ġ":2,"ab":3,"Ġa":4},"merges":["a b",["Ġ","a"]]}}
    """
  }

  private static let sentencePiece = """
    {"version":"1.0",\(added)"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},\
    {"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"pre_tokenizer":null,\
    "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},\
    {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},\
    "model":{"type":"BPE","dropout":null,"unk_token":"u","continuing_subword_prefix":null,\
    "end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":true,"ignore_merges":false,\
    "vocab":{"a":0,"b":1,"▁":2,"ab":3,"▁a":4,"u":6,"<0x41>":7},"merges":["a b","▁ a"]}}
    """

  private static let files = [
    byteLevel(), byteLevel(before: digits), byteLevel(normalizer: #"{"type":"NFC"}"#), sentencePiece,
  ].map { Array($0.utf8) }

  private let settings: TokenizerSettings

  static func seeds() -> [[UInt8]] {
    var seeds: [[UInt8]] = []
    let text = Array("ab aé 12".utf8)
    for kind in UInt8(0)..<4 {
      seeds.append([kind, UInt8(text.count)] + text)
      for piece in pieces.indices {
        let place = UInt8(truncatingIfNeeded: 7 * piece)
        seeds.append([kind, 2, 97, 98, UInt8(piece & 3), place, UInt8(piece & 3), UInt8(piece)])
      }
    }
    return seeds
  }

  init() throws { settings = try TokenizerSettings(folder: "/nowhere") }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    var file = Self.files[Int(input.u8() & 3)]
    let text = (0..<Int(input.u8() & 63)).map { _ in input.u8() }
    while !input.isEmpty { TextEdit.apply(&file, Self.pieces, &input) }
    let reader = try TokenizerReader(file, at: "tokenizer.json", settings, vocabulary: nil)
    let (tokenizer, _) = try reader.tokenizer(ChatChoice(date: CalendarDate(year: 2026, month: 3, day: 7)))
    let again = try Tokenizer(serialized: tokenizer.serialized)
    require(again.serialized == tokenizer.serialized, "the same tokenizer has other bytes")
    let string = String(decoding: text, as: UTF8.self)
    let tokens = tokenizer.encode(string)
    require(again.encode(string) == tokens, "what was stored encodes otherwise")
    try tokenizer.check(tokens)
    require(tokenizer.decode(tokens) == again.decode(tokens), "what was stored decodes otherwise")
    let largest = Int32(tokenizer.vocabularyCount)
    _ = tokenizer.decodeString(
      text.map { Int32($0) % largest }, namingSpecialTokens: true)
  }
}
