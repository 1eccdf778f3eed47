import Support
import TestSupport
import Testing

@testable import Compression

/// `data check`, and what other commands say of the data they read.
@Suite(.serialized) struct DataCommandTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  /// Each format's name, what it holds, row @n, and what is shown of row 0.
  private static let samples: [(format: String, content: String, row: String, shown: String)] = [
    (
      "ranked answers", "comparisons", #"{"prompt": "@n", "completions": ["a", "b"], "ranks": [2, 1]}"#,
      "<|user|>0<|assistant|>b⟦<|end|>⟧"
    ),
    (
      "OpenAI preference", "comparisons",
      #"{"input": {"messages": [{"role": "user", "content": "@n"}]}, "preferred_output": [{"role": "assistant", "content": "a"}], "non_preferred_output": [{"role": "assistant", "content": "b"}]}"#,
      "<|user|>0<|assistant|>a⟦<|end|>⟧"
    ),
    (
      "Stiennon summaries", "comparisons",
      #"{"info": {"post": "@n"}, "summaries": [{"text": "a"}, {"text": "b"}], "choice": 1}"#,
      "<|user|>POST: 0\n\nTL;DR:<|assistant|>b⟦<|end|>⟧"
    ),
    (
      "lm-human-preferences", "comparisons",
      #"{"query": "@n", "sample0": "a", "sample1": "b", "sample2": "c", "sample3": "d", "best": 3}"#,
      "<|user|>0<|assistant|>d⟦<|end|>⟧"
    ),
    (
      "TRL preference", "comparisons", #"{"prompt": "@n", "chosen": "a", "rejected": "b"}"#,
      "<|user|>0<|assistant|>a⟦<|end|>⟧"
    ),
    (
      "hh-rlhf", "comparisons",
      #"{"chosen": "\n\nHuman: @n\n\nAssistant: a", "rejected": "\n\nHuman: @n\n\nAssistant: b"}"#,
      "<|user|>0<|assistant|>b⟦<|end|>⟧"
    ),
    (
      "TRL preference with implicit prompt", "comparisons",
      #"{"chosen": "@n is good", "rejected": "@n is bad"}"#,
      "<|user|>0 is<|assistant|> good⟦<|end|>⟧"
    ),
    (
      "TRL unpaired preference", "demonstrations",
      #"{"prompt": "@n", "completion": "c", "label": true}"#, "<|user|>0<|assistant|>⟦c<|end|>⟧"
    ),
    (
      "TRL prompt and completion", "demonstrations", #"{"prompt": "@n", "completion": "c"}"#,
      "<|user|>0<|assistant|>⟦c<|end|>⟧"
    ),
    (
      "chat messages", "demonstrations",
      #"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "@n"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]}"#,
      "<|system|>s<|user|>0<|assistant|>⟦a<|end|>⟧<|user|>b<|assistant|>⟦c<|end|>⟧"
    ),
    (
      "ShareGPT", "demonstrations",
      #"{"conversations": [{"from": "human", "value": "@n"}, {"from": "gpt", "value": "c"}]}"#,
      "<|user|>0<|assistant|>⟦c<|end|>⟧"
    ),
    (
      "Alpaca", "demonstrations", #"{"instruction": "Add.", "input": "@n", "output": "c"}"#,
      "<|user|>Add.\n\n0<|assistant|>⟦c<|end|>⟧"
    ),
    ("TRL prompt", "prompts", #"{"prompt": "@n"}"#, "<|user|>0<|assistant|>"),
    ("JSON text", "documents", #"{"text": "t@n"}"#, "<|end|>⟦t0<|end|>⟧"),
    ("plain text", "documents", "t@n<|endoftext|>", "<|end|>⟦t0<|end|>⟧"),
  ]

  private func check(_ arguments: String..., input: String = "") throws -> ChildProcess.Result {
    try program.run(["data", "check", "--model", tiny.base] + arguments, input: input)
  }

  private func object(_ result: ChildProcess.Result) throws -> [String: JSONValue] {
    let objects = try result.objects()
    #expect(objects.count == 1, "\(result.errorText)")
    return objects.first ?? [:]
  }

  @Test("every format is named, counted and shown as it is trained on", arguments: samples.indices)
  func formats(index: Int) throws {
    let (format, content, row, shown) = Self.samples[index]
    let rows = (0..<2).map { row.replacing("@n", with: "\($0)") }
    let path = try program.write(rows.joined(separator: "\n"), to: "check-\(index).data")
    let text = try check(path, "--show", "1")
    #expect(text.exitCode == 0, "\(text.errorText)")
    #expect(
      text.outputText.hasPrefix("\(path): \(format) (\(content)), 2 rows, 2 usable\n"),
      "\(text.outputText)")
    #expect(text.outputText.contains("\n\(shown)\n"), "\(text.outputText)")
    let file = try #require(try object(check(path, "--json"))["files"]?.array?.first)
    #expect(file["format"]?.string == format)
    #expect(file["content"]?.string == content)
    #expect(file["rows"]?.number == 2 && file["usable"]?.number == 2)
    let marked = file["examples"]?.array?.first?["sequences"]?.array?.map { sequence in
      (sequence["segments"]?.array ?? []).map { segment in
        let text = segment["text"]?.string ?? ""
        return segment["learnt"] == .bool(true) ? "⟦\(text)⟧" : text
      }.joined()
    }
    #expect(marked?.contains(shown) == true, "\(String(describing: marked))")
  }

  @Test("a file says the same plain, in gzip, in zstd and through a pipe")
  func compression() throws {
    let text = (0..<500).map { "{\"prompt\": \"\($0 % 450)?\", \"completion\": \"Number \($0).\"}\n" }
      .joined()
    let bytes = Array(text.utf8)
    let gzip = Gzip.member(Array(bytes[..<9_000])) + Gzip.member(Array(bytes[9_000...]))
    let zstd = try bytes.withUnsafeBytes { try Zstd.Compressor().compress($0, .level(3)) }
    var answers: [String] = []
    for (ending, content) in [("", bytes), (".gz", gzip), (".zst", zstd)] {
      let path = "\(program.folder)/packed.jsonl\(ending)"
      try Files.writeAtomically(content, to: path)
      let file = try check(path, "--json")
      #expect(file.exitCode == 0, "\(file.errorText)")
      answers.append(file.outputText.replacing(path, with: "stdin"))
      let pipe = try ChildProcess.run(
        program.binary, ["data", "check", "--model", tiny.base, "-", "--json"], input: content,
        timeout: 60)
      answers.append(pipe.outputText.replacing("\"file\":\"-\"", with: "\"file\":\"stdin\""))
    }
    #expect(answers[0].contains("\"rows\":500"), "\(answers[0])")
    for answer in answers { #expect(answer == answers[0]) }
  }

  @Test("--json is one object with every key, also for what was not found")
  func keys() throws {
    let result = try check(tiny.demonstrations, tiny.comparisons, "--against", tiny.prompts, "--json")
    let object = try object(result)
    #expect(object.keys.sorted() == ["against", "files", "findings", "model", "usable"])
    #expect(object["model"]?.string == tiny.base)
    #expect(object["usable"] == .bool(true))
    #expect(
      object["against"]
        == .object([
          "file": .string(tiny.prompts), "format": .string("TRL prompt"), "rows": .number(2),
        ]))
    let files = try #require(object["files"]?.array)
    #expect(files.map { $0["file"]?.string } == [tiny.demonstrations, tiny.comparisons])
    for file in files {
      guard case .object(let fields) = file else {
        Issue.record("\(file)")
        continue
      }
      #expect(
        fields.keys.sorted() == [
          "content", "context", "dropped", "examples", "file", "findings", "format", "notes", "rows",
          "tokens", "unused_keys", "usable",
        ])
      guard case .object(let tokens)? = fields["tokens"], case .object(let findings)? = fields["findings"]
      else {
        Issue.record("\(file)")
        continue
      }
      #expect(tokens.keys.sorted() == ["learnt", "longest", "longest_line", "total"])
      #expect(
        findings.keys.sorted() == [
          "answers_at_limit", "bad_rows", "contradictory_ranks", "control_characters", "cut_answers", "duplicates",
          "empty_answers", "identical_answers", "leaked_prompts", "leaked_rows", "near_duplicates", "over_long",
          "replacement_characters", "special_token_names", "tied_rankings",
        ])
      #expect(findings["leaked_prompts"] == .object(["count": .number(2), "lines": .array([.number(1), .number(2)])]))
    }
    let alone = try self.object(check(tiny.demonstrations, "--json"))
    #expect(alone["against"] == .null)
    #expect(alone["findings"]?.number == 0)
  }

  @Test("the status is 0 for what can be used, and 65 for what cannot, or with --strict for any finding")
  func status() throws {
    let twice = try program.write(
      "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"a\",\"completion\":\"b\"}\n",
      to: "twice.jsonl")
    #expect(try check(twice).exitCode == 0)
    let strict = try check(twice, "--strict")
    #expect(strict.exitCode == 65)
    #expect(strict.outputText.contains("found: 1 row: are duplicates of an earlier row (line 2)"))
    #expect(try check(tiny.demonstrations, "--strict").exitCode == 0)
    let tied = try program.write(
      "{\"prompt\":\"a\",\"completions\":[\"b\",\"c\"],\"ranks\":[1,1]}\n", to: "check-tied.jsonl")
    let useless = try check(tiny.demonstrations, tied)
    #expect(useless.exitCode == 65)
    #expect(useless.outputText.contains("1 row, 0 usable"), "\(useless.outputText)")
    #expect(useless.outputText.contains("dropped: 1, because all answers are tied (line 1)"))
    #expect(try object(check(tied, "--json"))["usable"] == .bool(false))
  }

  @Test("what is no data, is damaged or is not there is refused with its place")
  func refusals() throws {
    let base = ["data", "check", "--model", tiny.base]
    let keys = try program.write("{\"a\":1}\n{\"b\":2}\n", to: "keys.jsonl")
    try tiny.expectRefusal(base + [keys], code: 65, ["\(keys):1", "match no known format: a"])
    let array = try program.write("[\n{\"prompt\":\"a\"}\n]\n", to: "array.json")
    try tiny.expectRefusal(base + [array], code: 65, ["\(array):1", "jq -c"])
    let empty = try program.write("", to: "empty.jsonl")
    try tiny.expectRefusal(base + [empty], code: 65, [empty, "there is no row"])
    let none = "\(program.folder)/none.jsonl"
    try tiny.expectRefusal(base + [none], code: 74, [none])
    try tiny.expectRefusal(base + [tiny.prompts, "--against", none], code: 74, [none])
    let cut = "\(program.folder)/cut.jsonl.gz"
    try Files.writeAtomically(Array(Gzip.member(Files.read(tiny.prompts)).dropLast()), to: cut)
    try tiny.expectRefusal(base + [cut], code: 65, [cut, "the gzip stream ends inside a member"])
    for arguments in [["-", "-"], ["-", "--against", "-"], [], ["-", "--show", "-1"]] {
      #expect(try program.run(base + arguments).exitCode == 64, "\(arguments)")
    }
  }

  @Test(
    "a terminal sees what is learnt in colour, and with NO_COLOR between brackets",
    .enabled(if: Program.script != nil, "there is no script(1) to make a terminal"))
  func terminals() throws {
    let arguments = ["data", "check", "--model", tiny.base, tiny.demonstrations]
    let colour = try program.onTerminal(arguments, [:])
    #expect(colour.contains("<|user|>Hi<|assistant|>\u{1B}[32mHello.<|end|>\u{1B}[0m"), "\(colour)")
    #expect(!colour.contains("⟦"))
    let plain = try program.onTerminal(arguments, ["NO_COLOR": "1"])
    #expect(plain.contains("<|user|>Hi<|assistant|>⟦Hello.<|end|>⟧") && !plain.contains("\u{1B}"))
  }

  @Test("bad rows end a command with their place and the way on, or are left out and counted")
  func badRows() throws {
    let rows = """
      {"prompt": "a", "completion": "b", "source": 1}
      {"prompt": "a", "completion": null}
      {"prompt": "c", "completion": "d"}
      {"prompt": "Here: \\ud83d", "completion": "d"}

      """
    let path = try program.write(rows, to: "bad-rows.jsonl")
    try tiny.expectRefusal(
      tiny.sftArguments("no", data: path), code: 65, ["\(path):2: \"completion\" is null", "--skip-bad-rows"])
    _ = try program.fresh("skipped")
    let result = try program.run(tiny.sftArguments("skipped", data: path) + ["--skip-bad-rows"])
    #expect(result.exitCode == 0, "\(result.errorText)")
    for phrase in ["2 dropped", "\"completion\" is null, line 2", "\\ud83d", "line 4", "keys not used: \"source\" (1 row)"] {
      #expect(result.errorText.contains(phrase), "\(phrase) in \(result.errorText)")
    }
  }

  @Test("nothing in the data is obeyed by a terminal or breaks the JSON")
  func hostile() throws {
    let path = try program.write(
      #"{"prompt": "\u001b[31m \u202e", "completion": "\u0007\n\u009b"}"#, to: "hostile.jsonl")
    let text = try check(path)
    #expect(!text.standardOutput.contains(0x1B) && !text.standardOutput.contains(0x07))
    #expect(text.outputText.contains("have control characters"))
    let json = try check(path, "--json")
    #expect(!json.standardOutput.contains(0x1B) && json.standardOutput.count { $0 == 0x0A } == 1)
    #expect(try object(json)["findings"]?.number == 1)
  }

  @Test("memory grows by less than 65 bytes a row, whatever the rows hold")
  func memory() throws {
    func peak(_ rows: Int) throws -> Double {
      let filler = String(repeating: "some words and ", count: 8)
      let lines = (0..<rows).map { "{\"prompt\": \"\($0)\", \"completion\": \"\(filler)\($0).\"}\n" }
      let path = try program.write(lines.joined(), to: "large-\(rows).jsonl")
      return try program.peak(["data", "check", "--model", tiny.base, path, "--json"])
    }
    let (few, many) = (try peak(40_000), try peak(240_000))
    #expect(many - few < 65 * 200_000, "\(few) and \(many) bytes")
  }

  @Test("commands say format, rows, tokens and the longest of what they read, and nothing under --quiet")
  func said() throws {
    let report = "\(tiny.demonstrations): TRL prompt and completion, 4 rows, "
    _ = try program.fresh("said")
    let loud = try program.run(tiny.sftArguments("said"))
    #expect(loud.errorText.contains(report), "\(loud.errorText)")
    let file = try #require(try object(check(tiny.demonstrations, "--json"))["files"]?.array?.first)
    let (total, longest) = (file["tokens"]?["total"]?.number, file["tokens"]?["longest"]?.number)
    let counts = "\(Int(total ?? 0)) tokens, the longest \(Int(longest ?? 0))\n"
    #expect(loud.errorText.contains(report + counts), "\(counts) in \(loud.errorText)")
    let eval = ["eval", tiny.sft, "--text", tiny.text]
    #expect(try program.run(eval).errorText.contains("\(tiny.text): plain text, 3 rows, "))
    #expect(try program.run(eval + ["--quiet"]).errorText == "")
  }
}
