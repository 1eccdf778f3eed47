import FoundationEssentials
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Support
import Testing

/// `selftest`, `plan` and `bench`.
@Suite(.serialized) struct MachineCommandTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private func object(_ result: ChildProcess.Result) throws -> [String: JSONValue] {
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(result.errorText.isEmpty, "\(result.errorText)")
    let objects = try result.objects()
    #expect(objects.count == 1)
    return try #require(objects.first)
  }

  @Test("selftest passes on this machine and says of each check what it compared")
  func selftests() throws {
    let report = try object(program.run("selftest", "--json", "--folder", program.folder))
    #expect(report.keys.sorted() == ["checks", "passed"])
    #expect(report["passed"] == .bool(true))
    let checks = try #require(report["checks"]?.array)
    for check in checks {
      #expect(["passed", "skipped"].contains(check["outcome"]?.string), "\(check)")
      #expect(check["name"]?.string?.isEmpty == false)
      #expect(check["figure"]?.string?.isEmpty == false)
    }
    // That files come back and damage is found is seen here and not only where models are made.
    let names = checks.compactMap { $0["name"]?.string }.joined(separator: "\n")
    for law in [
      "written, read and verified", "archive", "flipped bit", "resumed", "only reward is length",
      "only reward is a token",
    ] {
      #expect(names.contains(law), "\(names)")
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: program.folder)
      .filter { $0.contains("selftest") }
    #expect(left.isEmpty, "\(left)")

    let plain = try program.run("selftest", "--folder", program.folder)
    #expect(plain.exitCode == 0, "\(plain.errorText)")
    #expect(plain.errorText.isEmpty, "\(plain.errorText)")
    let lines = plain.outputText.split(separator: "\n")
    #expect(lines.count == checks.count)
    #expect(lines.allSatisfy { $0.hasPrefix("passed ") || $0.hasPrefix("skipped") }, "\(lines)")
  }

  /// A shape that takes no time.
  private static let shape = [
    "--seconds", "0.01", "--layers", "1", "--d-model", "32", "--heads", "2", "--vocab", "300",
  ]
  /// What each work reads beside it.
  private static let sizes = [
    "train": ["--batch", "2", "--context", "16"], "prefill": ["--batch", "2", "--prompt", "4"],
    "decode": ["--batch", "2", "--prompt", "4", "--new", "4"],
    "ppo": ["--prompt", "4", "--response", "4", "--episodes", "4"], "quantize": [],
  ]

  @Test("bench prints each work's rate beside the limit of this machine")
  func benches() throws {
    let keys = [
      "fraction_of_limit", "instruction_set", "limit", "limited_by", "peak_rss_bytes", "precision",
      "shape", "threads", "work",
    ]
    let rates = [
      "train": ["tokens_per_second"], "prefill": ["tokens_per_second"],
      "decode": ["end_to_end_tokens_per_second", "tokens_per_second"],
      "ppo": ["episodes_per_second"], "quantize": ["seconds", "weights_per_second"],
    ]
    // A process begins as a copy of the one that starts it, whose memory is not its own.
    let ballast = [UInt8](repeating: 1, count: 256 << 20)
    for (work, rates) in rates.sorted(by: { $0.key < $1.key }) {
      let result = try object(
        program.run(["bench", work, "--json", "--threads", "1"] + Self.shape + Self.sizes[work]!))
      #expect(result.keys.sorted() == (keys + rates).sorted(), "\(work)")
      #expect(result["work"]?.string == work)
      #expect(result["threads"]?.number == 1)
      for key in rates + ["limit", "fraction_of_limit", "peak_rss_bytes"] {
        #expect(result[key]?.number ?? 0 > 0, "\(work): \(key)")
      }
      #expect(result["peak_rss_bytes"]?.number ?? .infinity < Double(ballast.count) / 2, "\(work)")
    }
    let sizes = ["--batch", "2", "--context", "16", "--prompt", "4", "--new", "4", "--episodes", "4"]
    let whole = try object(program.run(["bench", "--json"] + Self.shape + sizes))
    #expect(
      whole["results"]?.array?.map { $0["work"]?.string } == [
        "FMA peak", "int8 peak", "memory read", "matrix product", "int8 product", "attention",
        "attention's gradient", "decode", "prefill", "quantize", "train", "ppo",
      ])
    let plain = try program.run(["bench", "ppo"] + Self.shape + Self.sizes["ppo"]!)
    #expect(plain.exitCode == 0)
    #expect(plain.outputText.hasPrefix("ppo: "), "\(plain.outputText)")
    #expect(plain.outputText.split(separator: "\n").count == 1)
    #expect(plain.errorText.isEmpty, "\(plain.errorText)")
    #expect(try program.run("bench", "nothing").exitCode == 64)
    #expect(try program.run("bench", "train", "--heads", "5").exitCode == 64)
    for (work, option) in [
      ("train", "--new"), ("decode", "--context"), ("prefill", "--episodes"), ("ppo", "--batch"), ("quantize", "--prompt"),
    ] {
      try tiny.expectRefusal(
        ["bench", work, option, "4"], code: 64, ["\(option) has no effect: bench \(work) does not read it"])
    }
  }

  @Test("a plan's total is the sum of its blocks, as JSON and as a table")
  func plans() throws {
    let arguments = ["plan", "all", "--model", tiny.base, "--quick"]
    let plan = try object(program.run(arguments + ["--json"]))
    #expect(plan.keys.sorted() == ["available_bytes", "fits", "limit", "peak_bytes", "stages"])
    #expect(plan["fits"] == .bool(true))
    let stages = try #require(plan["stages"]?.array)
    #expect(stages.map { $0["stage"]?.string } == ["sft", "rankings", "reward", "ppo", "eval"])
    func sum(_ stage: JSONValue, _ keys: String...) -> Double {
      keys.flatMap { stage[$0]?.array ?? [] }.reduce(0) { $0 + ($1["bytes"]?.number ?? .nan) }
    }
    for stage in stages {
      let (bytes, own) = (stage["bytes"]?.number ?? 0, stage["program_bytes"]?.number ?? 0)
      #expect(own > 1e6 && own < 100e6)
      #expect(bytes == own + sum(stage, "blocks", "mapped"))
      #expect(bytes == own + sum(stage, "groups", "mapped"))
    }
    #expect(plan["peak_bytes"]?.number == stages.compactMap { $0["bytes"]?.number }.max())

    let table = try program.run(arguments)
    #expect(table.exitCode == 0)
    #expect(table.errorText.isEmpty, "\(table.errorText)")
    #expect(table.outputText.contains("\npeak: "), "\(table.outputText)")
    #expect(table.outputText.contains("\nIt fits: "), "\(table.outputText)")
    let blocks = try program.run(arguments + ["--blocks"])
    #expect(blocks.outputText.count > table.outputText.count)
    #expect(blocks.outputText.contains("first moments"))
    #expect(try program.run("plan", "--batch-size", "3").exitCode == 64)
    #expect(try program.run("plan", "eval").exitCode == 64)
  }

  @Test("what fits no machine is planned in no time, up to the largest shape")
  func plansWhatDoesNotFit() throws {
    let shapes = [
      ["--layers", "100", "--d-model", "8192", "--heads", "64"],
      [
        "--layers", "200", "--d-model", "16384", "--heads", "256", "--vocab", "1000000", "--context", "65536",
        "--batch-size", "65536",
      ],
    ]
    for shape in shapes {
      let result = try program.run(["plan", "pretrain"] + shape)
      #expect(result.exitCode == 0, "\(result.errorText)")
      #expect(result.outputText.contains("  total  ") && result.outputText.contains("\nIt does not fit: "))
      #expect(try object(program.run(["plan", "pretrain", "--json"] + shape))["fits"] == .bool(false))
    }
  }

  @Test("a plan takes the files of its stage and no others")
  func planFiles() throws {
    for (stage, option) in [
      ("sft", "prompts"), ("reward", "demonstrations"), ("ppo", "comparisons"), ("pretrain", "prompts"),
    ] {
      try tiny.expectRefusal(
        ["plan", stage, "--model", tiny.base, "--\(option)", tiny.text], code: 64, ["--\(option)", stage])
    }
  }

  @Test("a value of any size is an answer or a refusal, and never the end by a signal", arguments: [
    "1e300", "-1e300", "1000000000000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "18446744073709551615", "1e-300",
  ])
  func hugeValues(value: String) throws {
    let commands: [[String]] = [
      ["plan", "pretrain", "--layers"], ["plan", "pretrain", "--d-model"], ["plan", "pretrain", "--batch-size"],
      ["plan", "ppo", "--model", tiny.base, "--total-episodes"], ["plan", "all", "--model", tiny.base, "--rounds"],
      ["plan", "pretrain", "--threads"], ["bench", "train", "--layers"], ["bench", "decode", "--context"],
      ["bench", "ppo", "--episodes"], ["generate", tiny.sft, "--max-new-tokens"],
      ["generate", tiny.sft, "--temperature"], ["generate", tiny.sft, "--top-k"], ["generate", tiny.sft, "--seed"],
    ]
    func check(_ arguments: [String], _ input: String) throws {
      let result = try program.run(arguments, input: input)
      #expect([0, 64, 65, 69].contains(result.exitCode), "\(arguments): \(result.exitCode) \(result.errorText)")
    }
    for command in commands {
      try check(Array(command.dropLast()) + ["\(command.last!)=\(value)"], "{\"prompt\": \"Say\"}\n")
    }
    for key in ["max_new_tokens", "temperature", "top_k", "top_p", "seed"] {
      try check(["generate", tiny.sft], "{\"prompt\": \"Say\", \"\(key)\": \(value)}\n")
    }
  }

  @Test("a stage's real peak is what plan predicts, the program's share in it: within 15 %")
  func predictsMemory() throws {
    // Large enough that the program's own pages matter little.
    let words = (0..<600).map { "word\($0 * 7919 % 1000)" }.joined(separator: " ")
    let text = try program.write("\(words)<|endoftext|>\(words)", to: "long.txt")
    let shape = [
      "--layers", "4", "--d-model", "256", "--heads", "4", "--vocab", "1000", "--context", "64",
      "--batch-size", "8",
    ]
    func expect(_ stage: [String], _ planned: [String]) throws {
      let plan = try object(program.run(["plan"] + planned + ["--json"]))
      let predicted = try #require(plan["peak_bytes"]?.number)
      let ratio = try program.peak(stage) / predicted
      #expect(abs(ratio - 1) < 0.15, "\(planned[0]): \(ratio) of \(predicted) bytes")
    }
    let folder = try program.fresh("large")
    try expect(
      ["pretrain", "-o", folder, "--pretraining-text", text, "--steps", "2"] + shape,
      ["pretrain", "--pretraining-text", text] + shape)
    let long = (0..<16).map {
      "{\"prompt\":\"Say\",\"completion\":\"\(words.dropFirst(8 * $0).prefix(195))\"}\n"
    }
    let data = try program.write(long.joined(), to: "long.jsonl")
    _ = try program.fresh("large-sft")
    try expect(
      tiny.sftArguments("large-sft", model: folder, data: data) + ["--batch-size", "8"],
      ["sft", "--model", "\(folder)/base.trlhf", "--demonstrations", data, "--batch-size", "8"])
  }
}
