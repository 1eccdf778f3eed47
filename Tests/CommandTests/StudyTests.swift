#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Support
import TestSupport
import Testing

/// Studies in miniature, on a base of one layer.
@Suite(.serialized) struct StudyTests {
  private let program: Program

  init() throws { program = try Program() }

  /// The smallest sizes at which every stage still has something to do.
  private func tiny() throws -> String {
    try program.write(
      """
      {"sft-demonstrations": 16, "sft-epochs": 2, "ranking-prompts": 12, "completions-per-prompt": 3,
       "total-episodes": 64, "ppo-batch-size": 16, "eval-prompts": 6, "eval-samples": 2,
       "eval-documents": 4, "layers": 3, "d-model": 48, "heads": 3, "vocab": 300, "pretrain-steps": 4}
      """, to: "tiny-study.json")
  }

  private func arguments(_ study: String, _ folder: String, _ more: [String] = []) throws
    -> [String]
  {
    [
      "study", study, "--model", program.base, "--config", try tiny(), "--quiet", "-o", folder,
      "--seeds", "1",
    ] + more
  }

  /// The files that must not depend on threads or interruptions.
  private func expectSameFindings(_ folder: String, _ other: String) throws {
    for name in ["study.csv", "study.json"] {
      #expect(try Files.read("\(folder)/\(name)") == Files.read("\(other)/\(name)"), "\(name)")
    }
  }

  @Test("a study leaves a table, a record and a report, and prints what it found", arguments: [
    ("ptx", "seed,arm,gamma,beta,bits_per_byte,tax,gold,proxy,kl,win_rate_vs_sft,mean_tokens"),
    ("overoptimization", "seed,method,comparisons,n,step,kl,root_kl,proxy,gold,gain"),
    (
      "budget",
      "seed,arm,demonstrations,epochs,rankings,prompts_per_demonstration,gold,honest,harmless,win_rate_vs_sft"
    ),
    (
      "rounds",
      "seed,arm,rounds,gold,proxy,kl,honest,harmless,reward_accuracy,win_rate_vs_one_round"
    ),
    ("precision", "seed,arm,gold,proxy,kl,win_rate_vs_float32,k3,is_max,clipped_fraction"),
    (
      "scale",
      "seed,model,stage,parameters,gold,honest,harmless,bits_per_byte,win_rate_vs_largest_base,"
        + "win_rate_vs_largest_base_ties,contests"
    ),
  ])
  func leavesFiles(study: String, heading: String) throws {
    let folder = try program.fresh("study-\(study)")
    let result = try program.run(try arguments(study, folder))
    try #require(result.exitCode == 0, "\(result.errorText)")
    let table = String(decoding: try Files.read("\(folder)/study.csv"), as: UTF8.self)
    let lines = table.split(separator: "\n")
    #expect(String(lines[0]) == heading)
    #expect(lines.count > 2)
    let path = "\(folder)/study.json"
    let record = try JSON.decode([String: JSONValue].self, from: Files.read(path), at: path)
    #expect(
      record.keys.sorted() == [
        "charts", "figures", "finding", "question", "seeds", "study", "version",
      ])
    #expect(record["study"]?.string == study)
    let finding = try #require(record["finding"]?.string)
    let printed = result.outputText.replacing("\n", with: " ")
    #expect(printed.contains(finding.prefix(30)))
    let report = String(decoding: try Files.read("\(folder)/report.html"), as: UTF8.self)
    #expect(report.contains("<svg") && report.contains("Figures behind the finding"))
  }

  @Test("a study that is interrupted and resumed, on another number of threads, finds the same bytes")
  func resumes() throws {
    let whole = try program.fresh("study-whole")
    try #require(try program.run(try arguments("ptx", whole)).exitCode == 0)
    let folder = try program.fresh("study-parts")
    let command = try arguments("ptx", folder, ["--threads", "1"])
    var stops = 0
    for delay in [120_000, 200_000, 350_000] as [UInt32] {
      let process = try ChildProcess(
        program.binary, command + (Files.exists(folder) ? ["--resume"] : []))
      usleep(delay)
      process.send(signal: SIGINT)
      if process.wait(timeout: 60).exitCode == 130 { stops += 1 }
    }
    #expect(stops > 0)
    let last = try program.run(command + ["--resume"])
    #expect(last.exitCode == 0, "\(last.errorText)")
    try expectSameFindings(folder, whole)
  }

  @Test("a study goes on with more seeds, and keeps the rows that it had")
  func moreSeeds() throws {
    let folder = try program.fresh("study-seeds")
    try #require(try program.run(try arguments("precision", folder)).exitCode == 0)
    let first = String(decoding: try Files.read("\(folder)/study.csv"), as: UTF8.self)
    let more = try program.run(
      "study", "precision", "--model", program.base, "--config", try tiny(), "--quiet", "-o", folder,
      "--seeds", "2", "--resume")
    try #require(more.exitCode == 0, "\(more.errorText)")
    let both = String(decoding: try Files.read("\(folder)/study.csv"), as: UTF8.self)
    #expect(both.hasPrefix(first) && both.count > first.count)
  }

  /// A study's table, line by line, each cut at its commas.
  private func table(_ folder: String) throws -> [[Substring]] {
    String(decoding: try Files.read("\(folder)/study.csv"), as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: ",", omittingEmptySubsequences: false) }
  }

  @Test("stability looks at a reward model of the user's, on rankings of theirs, and draws nothing")
  func ownStability() throws {
    let tiny = try TinyModels()
    let folder = try program.fresh("study-own-stability")
    let arguments = [
      "study", "stability", "--comparisons", tiny.comparisons, "--reward-model", tiny.reward, "-o",
    ]
    let result = try program.run(arguments + [folder])
    try #require(result.exitCode == 0, "\(result.errorText)")
    #expect(result.errorText.contains("4 rows"))
    #expect(result.outputText.replacing("\n", with: " ").contains("over prompts; the study draws no random numbers"))
    let lines = try table(folder)
    #expect(lines.count > 3 && lines.dropFirst().allSatisfy { $0[0] == "1" })
    #expect(!lines.contains { $0[1] == "paraphrase" }, "nobody knows other words for these prompts")
    let heading = lines[0].map(String.init)
    for name in ["flipped", "flipped_low", "flipped_high", "accuracy", "accuracy_plain"] {
      let place = try #require(heading.firstIndex(of: name))
      for line in lines.dropFirst() {
        #expect(try (0...1).contains(#require(Double(String(line[place])))), "\(name)")
      }
    }
    let again = try program.run(arguments + [folder, "--resume"])
    #expect(again.exitCode == 0 && again.outputText == result.outputText)
  }

  @Test("labelers asks reward models that learn from some of the user's labelers about the others")
  func ownLabelers() throws {
    let tiny = try TinyModels()
    let lines = (0..<20).flatMap { prompt in
      ["ann", "bob", "cid"].map { labeler in
        """
        {"prompt":"Is it \(prompt)?","completions":["Yes, it is.","No"],"ranks":[1,2],"labeler":"\(labeler)"}
        """
      }
    }
    let file = try program.write(lines.joined(separator: "\n") + "\n", to: "own-labelers.jsonl")
    let folder = try program.fresh("study-own-labelers")
    let command = [
      "study", "labelers", "--comparisons", file, "--model", tiny.sft, "--quiet", "-o", folder,
    ]
    let result = try program.run(command + ["--seeds", "2"])
    try #require(result.exitCode == 0, "\(result.errorText)")
    let rows = try table(folder)
    let heading = rows[0].map(String.init)
    func column(_ name: String) throws -> [Substring] {
      let place = try #require(heading.firstIndex(of: name))
      return rows.dropFirst().map { $0[place] }
    }
    // Two of three labelers, sixteen of twenty prompts, and an eighth, a quarter and half of that.
    #expect(try column("rankings") == ["4.0", "8.0", "16.0", "32.0", "4.0", "8.0", "16.0", "32.0"])
    #expect(try column("accuracy_held_out_labelers").allSatisfy { !$0.isEmpty })
    #expect(try column("accuracy_rubric").allSatisfy { $0.isEmpty })
    #expect(try column("labeler_agreement").allSatisfy { $0 == "1.0" })
    let more = try program.run(command + ["--seeds", "3", "--resume"])
    #expect(more.exitCode == 0, "\(more.errorText)")
    #expect(try table(folder).starts(with: rows) && table(folder).count == 13)
  }

  @Test("a study of files is not resumed on others")
  func ownChanged() throws {
    let tiny = try TinyModels()
    let folder = try program.fresh("study-own-changed")
    let file = try program.write(
      String(decoding: Files.read(tiny.comparisons), as: UTF8.self), to: "own-changed.jsonl")
    let command = [
      "study", "stability", "--comparisons", file, "--reward-model", tiny.reward, "--quiet", "-o", folder,
    ]
    try #require(try program.run(command).exitCode == 0)
    _ = try program.write(
      #"{"prompt":"Hi","completions":["Hello.","No."],"ranks":[2,1]}"# + "\n", to: "own-changed.jsonl")
    let changed = try program.run(command + ["--resume"])
    #expect(changed.exitCode == 64 && changed.errorText.contains("comparisons-hash"), "\(changed.errorText)")
  }

  @Test("files of the user's that a study has no use for, or that lack what it needs, are refused in one line, and no folder is left")
  func ownRefusals() throws {
    let tiny = try TinyModels()
    let folder = try program.fresh("study-own-refused")
    for (study, options, code, what) in [
      ("ptx", ["--comparisons", tiny.comparisons], 64, "labelers and stability take them"),
      ("stability", ["--comparisons", tiny.comparisons], 64, "both --comparisons and --reward-model"),
      ("labelers", ["--comparisons", tiny.comparisons, "--reward-model", tiny.reward], 64, "alone"),
      (
        "stability", ["--comparisons", tiny.comparisons, "--reward-model", tiny.reward, "--seeds", "2"],
        64, "no random numbers"
      ),
      (
        "stability", ["--comparisons", tiny.comparisons, "--reward-model", tiny.sft], 65,
        "a reward model is needed"
      ),
      ("labelers", ["--comparisons", tiny.comparisons, "--model", tiny.sft], 65, "name a labeler"),
      (
        "stability",
        ["--comparisons", tiny.comparisons, "--reward-model", tiny.reward, "--model", tiny.sft], 64,
        "does not use --model"
      ),
    ] as [(String, [String], Int32, String)] {
      let result = try program.run(["study", study, "-o", folder, "--quiet"] + options)
      #expect(result.exitCode == code, "\(study) \(options): \(result.errorText)")
      #expect(result.errorText.contains(what), "\(result.errorText)")
      #expect(result.errorText.split(separator: "\n").count == 1)
      #expect(!Files.exists(folder))
    }
  }

  @Test("what cannot be studied is refused in one line")
  func refusals() throws {
    let unknown = try program.run("study", "alchemy")
    #expect(unknown.exitCode == 64)
    #expect(unknown.errorText.contains("there is no study \"alchemy\""))
    let folder = try program.fresh("study-refused")
    let both = try program.run("study", "ptx", "--full", "--quick", "-o", folder)
    #expect(both.exitCode == 64)
    let none = try program.run("study", "ptx", "--seeds", "0", "-o", folder)
    #expect(none.exitCode == 64)
    #expect(!Files.exists(folder))
  }
}
