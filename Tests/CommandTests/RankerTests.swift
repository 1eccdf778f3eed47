import Support
import TestSupport
import Testing

/// `all --ranker`: people or a program rank the sampled answers.
@Suite(.serialized) struct RankerTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }
  private static let prompts = 16

  init() throws { tiny = try TinyModels() }

  private func arguments(_ folder: String, _ ranker: String) throws -> [String] {
    let settings = try program.write(
      #"{"eval-documents": 4, "eval-samples": 1, "sft-demonstrations": 16}"#, to: "ranker.json")
    return [
      "all", "-o", folder, "--model", tiny.base, "--quick", "--config", settings, "--ranking-prompts", "8",
      "--completions-per-prompt", "2", "--total-episodes", "16", "--ppo-batch-size", "8", "--response-length", "8",
      "--eval-prompts", "2", "--quiet", "--ranker", ranker,
    ]
  }

  private func lines(_ path: String) throws -> [[String: JSONValue]] {
    try Files.read(path).split(separator: 0x0A).map {
      try JSON.decode([String: JSONValue].self, from: Array($0), at: path)
    }
  }

  /// A script that prefers the second answer and counts what it is asked.
  private func judge(_ name: String, dyingAfter lives: Int? = nil) throws -> String {
    let count = try program.fresh("\(name).count")
    let dies = lives.map { "[ -e \(count).dead ] || [ $n -lt \($0) ] || { touch \(count).dead; exit 7; }; " } ?? ""
    let script = """
      n=0
      while IFS= read -r line; do
        \(dies)n=$((n + 1)); printf '%s\\n' "$line" >> \(count); echo '{"ranks": [2, 1], "labeler": "judge", "seconds": 0.5}'
      done
      """
    return try program.write(script, to: "\(name).sh")
  }

  @Test("a program is asked for each prompt's ranks once, though it dies on the way")
  func asksProgram() throws {
    let script = try judge("judge", dyingAfter: 5)
    let folder = try program.fresh("ranker-program")
    let arguments = try arguments(folder, "program:sh \(script)")
    let stopped = try program.run(arguments)
    #expect(stopped.exitCode == 1, "\(stopped.errorText)")
    #expect(stopped.errorText.contains("ended with status 7, but answers are still to be ranked"))
    #expect(try lines("\(folder)/judgements.jsonl").count == 5)
    let resumed = try program.run(arguments + ["--resume"])
    try #require(resumed.exitCode == 0, "\(resumed.errorText)")
    let asked = try lines("\(program.folder)/judge.count")
    #expect(asked.count == Self.prompts)
    #expect(Set(try asked.map { try JSON.line($0) }).count == Set(try lines("\(folder)/judgements.jsonl").map {
      try JSON.line($0.filter { ["completions", "policy", "prompt"].contains($0.key) })
    }).count)
    for file in ["rankings", "rankings-held-out"] {
      for line in try lines("\(folder)/\(file).jsonl") {
        #expect(line["ranks"]?.array?.compactMap(\.integer) == [2, 1] && line["labeler"]?.string == "judge", "\(file)")
      }
    }
  }

  @Test("answers wait in a file until people have ranked them; their ranks give the same models as a program's")
  func waitsForPeople() throws {
    let (folder, file) = (try program.fresh("ranker-file"), try program.fresh("people.jsonl"))
    let arguments = try arguments(folder, "file:\(file)")
    func waiting(_ extra: [String], _ missing: Int) throws -> [[String: JSONValue]] {
      let result = try program.run(arguments + extra, environment: ["TINYRLHF_ERRORS": "json"])
      #expect(result.exitCode == 75 && result.errorText.contains("\"ranks_missing\""), "\(result.errorText)")
      #expect(result.errorText.contains("no ranks for the answers to \(missing) of \(Self.prompts) prompts"))
      return try lines("\(folder)/to-rank.jsonl")
    }
    func rank(_ rows: ArraySlice<[String: JSONValue]>) throws {
      let old = Files.exists(file) ? try Files.read(file) : []
      let new = try rows.flatMap { row in
        // In another order than they were shown.
        let completions = try #require(row["completions"]?.array).reversed()
        var ranked = row
        ranked["completions"] = .array(Array(completions))
        ranked["ranks"] = .array([.number(1), .number(2)])
        ranked["labeler"] = .string("judge")
        ranked["seconds"] = .number(0.5)
        return Array(try JSON.line(ranked).utf8) + [0x0A]
      }
      try Files.writeAtomically(old + new, to: file)
    }
    let first = try waiting([], Self.prompts)
    #expect(first.count == Self.prompts && first.allSatisfy { Set($0.keys) == ["completions", "policy", "prompt"] })
    try rank(first[..<10])
    let rest = try waiting(["--resume"], Self.prompts - 10)
    #expect(rest == Array(first[10...]))
    try rank(rest[...])
    let whole = try program.run(arguments + ["--resume"])
    try #require(whole.exitCode == 0, "\(whole.errorText)")
    #expect(!Files.exists("\(folder)/to-rank.jsonl"))

    let other = try program.fresh("ranker-same")
    let asked = try program.run(try self.arguments(other, "program:sh \(try judge("same"))"))
    try #require(asked.exitCode == 0, "\(asked.errorText)")
    for name in ["rankings.jsonl", "rankings-held-out.jsonl", "reward.trlhf", "ppo.trlhf"] {
      #expect(try Files.read("\(folder)/\(name)") == Files.read("\(other)/\(name)"), "\(name)")
    }
  }

  @Test("a wrong answer of a program is shown, with what it must print", arguments: [
    ("{}", "there is no list \\\"ranks\\\""), ("[1, 2]", "there is no list"),
    ("{\\\"ranks\\\": [1]}", "2 answers and 1 ranks"),
    ("{\\\"ranks\\\": [0, 1]}", "a rank is 0"), ("{\\\"ranks\\\": [1.5, 1]}", "not a whole number"), ("yes", "yes"),
  ])
  func wrongAnswers(_ answer: String, _ reason: String) throws {
    let folder = try program.fresh("ranker-wrong")
    let command = "while read line; do echo \"\(answer)\"; done"
    let result = try program.run(try arguments(folder, "program:\(command)"))
    #expect(result.exitCode == 65, "\(result.errorText)")
    #expect(result.errorText.contains(reason.replacing("\\", with: "")), "\(result.errorText)")
    #expect(result.errorText.contains("It must print one line such as"), "\(result.errorText)")
  }

  @Test("a ranker that is none, or that has nothing to rank, is refused")
  func refused() throws {
    let folder = try program.fresh("ranker-refused")
    let unknown = try program.run("all", "-o", folder, "--ranker", "people")
    #expect(unknown.exitCode == 64 && unknown.errorText.contains("a ranker is simulated, file:FILE or program:COMMAND"))
    try tiny.expectRefusal(
      ["all", "-o", folder, "--model", tiny.base, "--ranker", "program:cat", "--comparisons", tiny.comparisons],
      code: 64, ["--ranker", "--comparisons"])
  }
}
