// The readers of data sets: every format of JSON Lines for every use, and plain text, compressed or not.
import Support
import Tokenizers

@testable import Datasets

/// An input is one byte, use and strictness, and then the file, which may be gzip's or zstd's.
struct DatasetsTarget: Target {
  private let tokenizer = Tokenizer.train(on: ["ab"], vocabularySize: 260)

  static func seeds() -> [[UInt8]] {
    let turns = #"[{"role":"system","content":"s"},{"role":"user","content":"p"}]"#
    let answer = #"[{"role":"assistant","content":"a"}]"#
    let files = [
      #"{"prompt":"p","completions":["a","b"],"ranks":[1,2],"labeler":"x","seconds":1.5,"margin":1}"#,
      #"{"prompt":"p","chosen":"a","rejected":"b","margin":0.5}"#,
      #"{"prompt":\#(turns),"chosen":\#(answer),"rejected":[{"role":"assistant","content":"b"}]}"#,
      #"{"chosen":"The sky is blue.","rejected":"The sky is black."}"#,
      #"{"chosen":"\n\nHuman: a\n\nAssistant: b","rejected":"\n\nHuman: a\n\nAssistant: c"}"#,
      #"{"input":{"messages":\#(turns)},"preferred_output":\#(answer),"non_preferred_output":[]}"#,
      #"{"info":{"post":"P","title":"T","subreddit":"r"},"summaries":[{"text":"a"},{"text":"b"}],"choice":1}"#,
      #"{"info":{"article":"P"},"summaries":[{"text":"a","policy":"p"},{"text":"b"}],"choice":0}"#,
      #"{"query":"q","sample0":"a","sample1":"b","best":1}"#,
      #"{"prompt":"p","completion":"c","label":true}"#,
      #"{"prompt":\#(turns),"completion":\#(answer)}"#,
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"p"}]},{"role":"assistant","content":"a"}]}"#,
      #"{"conversations":[{"from":"human","value":"p"},{"from":"gpt","value":"a"}]}"#,
      #"{"instruction":"i","input":"x","output":"o"}"#, #"{"prompt":"\n\nHuman: a\n\nAssistant:"}"#,
      #"{"system":"s","tools":[{"name":"f","x":{}}],"chat_template_kwargs":{"a":1},"messages":\#(turns)}"#,
      #"{"tools":"[{\"name\":1.5}]","messages":[{"role":"user","content":"p"},{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},{"role":"tool","content":"4"},{"role":"assistant","content":"a","reasoning_content":"r","train":false},{"role":"assistant","content":"b","weight":1}]}"#,
      #"{"question":"q","query":"q","chosen":"a b","rejected":"a c","margin":-0.0,"weight":1}"#,
      #"{"instruction":"i","input":"x","completions":[{"role":"assistant","content":"a","name":"n"},"b"],"ranks":[1,2.0]}"#,
      #"{"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"a"},{"role":"user","content":"q"}],"id":[{}]}"#,
      #"{"prompt":{"messages":\#(turns),"tools":[1]},"completion":\#(answer),"label":null,"images":[]}"#,
      "prompt,completion\np,a", "\u{FEFF}{\"prompt\":\"p\"}",
      #"{"text":"t é \ud83d\ude00"}"#, "one<|endoftext|>\r\ntwo\n<|endoftext|>\nthree",
    ]
    return (0..<12).flatMap { use in
      files.map { [UInt8(use)] + Array("\($0)\n\($0)".utf8) }
    } + [0, 2, 4, 7, 8, 10].map { use in
      let parts = [files[4], "\n", files[4]].map { Gzip.member(Array($0.utf8), name: "x") }
      return [UInt8(use)] + parts.joined()
    }
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    let mode = Int(input.first ?? 0) % 12
    let source = MemorySource(UnsafeRawBufferPointer(rebasing: input.dropFirst()))
    let expanding = ExpandingSource(source, name: "input")
    let lines = LineReader(expanding, name: "input", limit: 1 << 16)
    let strict = mode % 2 == 0
    let rows = try RowReader(lines, allowsText: mode / 2 >= 4)
    switch mode / 2 {
    case 0: try check(readRows(rows, for: .prompts, strict: strict))
    case 1: try check(readRows(rows, for: .demonstrations, strict: strict))
    case 2:
      let dataset = try readRows(rows, for: .comparisons, strict: strict)
      for comparison in dataset.records {
        require(!comparison.isAllTies && comparison.completions.contains(comparison.best), "\(comparison)")
      }
      try check(dataset)
    case 5: try compare(rows)
    default: try count(readRows(rows, for: .documents, strict: strict))
    }
  }

  /// What a check of the data sees: a row that comes again is a duplicate of itself and a leak.
  private func compare(_ rows: RowReader) throws {
    var (seen, split) = (SeenRows(), OtherSplit())
    while let row = try rows.next() {
      require(row.line > 0, "line \(row.line)")
      guard let example = try? row.example.get() else { continue }
      let fingerprint = RowFingerprint(example)
      _ = seen.add(fingerprint)
      require(seen.add(fingerprint) == .duplicate, "not seen again: \(example)")
      split.add(fingerprint)
      require(split.hasPrompt(of: fingerprint) == (example.prompt != nil), "\(example)")
      require(split.hasAnswer(of: fingerprint) == !example.answers.isEmpty, "\(example)")
      for answer in example.answers where answer.isBlank { require(!answer.seemsCut, answer) }
      _ = example.answers.map(TextFlaws.init)
      if let format = rows.format { _ = try? example.firstUse(format) }
    }
  }

  private func count<Record>(_ dataset: Dataset<Record>) throws {
    let report = dataset.report
    require(
      !dataset.records.isEmpty && dataset.records.count == dataset.lines.count
        && report.rows == dataset.records.count + report.dropped.count, report.description)
  }

  /// What was read is written as JSON and read back.
  private func check<Record: Codable & Equatable & Tokenizable>(_ dataset: Dataset<Record>) throws {
    try count(dataset)
    for record in dataset.records {
      require(try Tokenized(record, tokenizer).counts.allSatisfy { $0 > 0 }, "no tokens: \(record)")
      do {
        let copy = try JSON.decode(Record.self, from: JSON.encode(record), at: "copy")
        require(copy == record, "\(record) came back as \(copy)")
      } catch let failure as Failure {
        // A list that stood in a text, or a message in a prompt, lies deeper than it did.
        require(failure.what.contains("opens nesting level"), "\(failure)")
      }
    }
  }
}

private final class MemorySource: ByteSource {
  private var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let count = min(buffer.count, rest.count)
    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    return count
  }
}
