import Checkpoints
import FoundationEssentials
import Support
import TestSupport
import Testing

/// What `inspect` shows, compares and edits.
@Suite(.serialized) struct InspectCommandTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private func inspect(_ arguments: String..., code: Int32 = 0) throws -> ChildProcess.Result {
    let result = try program.run(["inspect"] + arguments)
    #expect(result.exitCode == code, "\(arguments): \(result.errorText)")
    return result
  }

  private func copy(_ source: String, _ name: String) throws -> String {
    let path = try program.fresh(name)
    try Files.writeAtomically(Files.read(source), to: path)
    return path
  }

  @Test("statistics are shown unless they are refused, and are the same for any number of threads")
  func statistics() throws {
    let plain = try inspect(tiny.sft, "--json", "--no-stats").objects()[0]
    #expect(plain["tensors"]?.array?.contains { $0["statistics"] != nil } == false)
    let one = try inspect(tiny.sft, "--json", "--threads", "1")
    #expect(try inspect(tiny.sft, "--json", "--threads", "3").outputText == one.outputText)
    for tensor in try one.objects()[0]["tensors"]?.array ?? [] {
      let keys = ["infinite", "max", "mean", "min", "nan", "std", "zeros"]
      guard case .object(let found) = tensor["statistics"] else {
        Issue.record("no statistics in \(tensor)")
        continue
      }
      #expect(found.keys.sorted() == keys)
    }
    let text = try inspect(tiny.sft).outputText
    #expect(text.contains("mean ") && text.contains("std "), "\(text)")
  }

  @Test("a tensor is printed: every value as JSON, an excerpt as text")
  func tensor() throws {
    let name = "token_embedding.weight"
    let object = try inspect(tiny.base, "--tensor", name, "--json").objects()[0]
    let checkpoint = try Checkpoint(path: tiny.base)
    let tensor = try checkpoint.tensor(called: name)
    #expect(object["dims"]?.array?.compactMap(\.number) == tensor.dims.map(Double.init))
    #expect(object["type"]?.string == "float32")
    let values = object["values"]?.array?.compactMap { $0.number.map { Float($0) } } ?? []
    #expect(values == Array(UnsafeBufferPointer(start: tensor.floats, count: tensor.count)))
    withExtendedLifetime(checkpoint) {}
    let text = try inspect(tiny.base, "--tensor", name).outputText
    #expect(text.hasPrefix("weights/policy/\(name): ") && text.utf8.count < 2000, "\(text)")
    try tiny.expectRefusal(
      ["inspect", tiny.base, "--tensor", "none"], code: 64, [tiny.base, "\"none\""])
  }

  @Test("a model and its archive are the same; a model and its parent are not, and it says in what")
  func differences() throws {
    let archive = try program.fresh("same.trlhf.zst")
    try #require(try program.run("pack", tiny.sft, "-o", archive).exitCode == 0)
    let same = try inspect(tiny.sft, "--diff", archive)
    #expect(same.standardOutput.isEmpty && same.standardError.isEmpty)
    let object = try inspect(tiny.sft, "--diff", archive, "--json").objects()[0]
    #expect(object["same"] == .bool(true) && object["tensors"] == .array([]))

    let other = try inspect(tiny.base, "--diff", tiny.sft, code: 1)
    #expect(other.outputText.contains("training.kind: \"base\" | \"sft\"\n"), "\(other.outputText)")
    #expect(other.outputText.contains("weights/policy/token_embedding.weight: "))
    #expect(other.errorText.isEmpty, "\(other.errorText)")
    let found = try inspect(tiny.base, "--diff", tiny.sft, "--json", code: 1).objects()[0]
    #expect(
      found.keys.sorted() == [
        "a", "b", "equal_tensors", "fields", "only_in_a", "only_in_b", "same", "tensors",
      ])
    #expect(found["same"] == .bool(false))
    for tensor in found["tensors"]?.array ?? [] {
      #expect(tensor["differing"]?.number ?? 0 > 0, "\(tensor)")
      #expect(tensor["relative_l2"]?.number ?? 0 > 0, "\(tensor)")
    }
    #expect(try inspect(tiny.sft, "--diff", tiny.reward, "--json", code: 1).objects()[0]["only_in_b"]?
      .array?.isEmpty == false)
    // What cannot be told is neither.
    _ = try inspect(tiny.sft, "--diff", "/nowhere", code: 74)
    _ = try inspect(tiny.sft, "--diff", program.binary, code: 65)
  }

  @Test("metadata are edited in place, content and identity stay, and the program's own keys too")
  func metadata() throws {
    let path = try copy(tiny.sft, "edited.trlhf")
    let before = try inspect(path, "--json").objects()[0]
    let hostile = "a\u{1B}[31m\u{9B}=b"
    let edited = try inspect(
      path, "--set", "licence=MIT", "--set", "note=\(hostile)", "--unset", "name", "--json")
    #expect(edited.errorText.contains("licence"), "\(edited.errorText)")
    #expect(try edited.objects()[0]["configuration"]?["note"] == .string(hostile))
    let shown = try inspect(path, "--json", "--verify")
    let after = try shown.objects()[0]
    #expect(after["configuration"]?["licence"] == .string("MIT"))
    #expect(after["configuration"]?["name"] == nil)
    #expect(after["configuration"]?["chat_format"] == before["configuration"]?["chat_format"])
    for key in ["content_hash", "identity", "tensors", "file_bytes"] {
      #expect(after[key] == before[key], "\(key)")
    }
    // Nothing of it reaches a terminal raw.
    for text in [edited.errorText, edited.outputText, shown.outputText, try inspect(path).outputText] {
      #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{9B}" }, "\(text)")
    }
    _ = try inspect(tiny.sft, "--diff", path, code: 1)

    let bytes = try Files.read(path)
    try tiny.expectRefusal(
      ["inspect", path, "--set", "chat_format=none"], code: 64, ["chat_format"])
    try tiny.expectRefusal(["inspect", path, "--unset", "nothing"], code: 64, [path, "nothing"])
    try tiny.expectRefusal(["inspect", "builtin:base", "--set", "a=b"], code: 64, ["unpack"])
    for wrong in [
      ["--set", "a"], ["--tensor", "x", "--diff", tiny.base],
    ] {
      #expect(try program.run(["inspect", path] + wrong).exitCode == 64)
    }
    #expect(try Files.read(path) == bytes)
  }

  @Test("a model in a run folder shows the chain of its parents with their files")
  func parents() throws {
    let run = try program.fresh("family")
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    for (source, name) in [(tiny.base, "base"), (tiny.sft, "sft"), (tiny.reward, "reward")] {
      try Files.writeAtomically(Files.read(source), to: "\(run)/\(name).trlhf")
    }
    let parents = try inspect("\(run)/reward.trlhf", "--json").objects()[0]["parents"]?.array
    #expect(parents?.first?["file"] == .string("sft.trlhf"))
    #expect(parents?.first?["parents"]?.array?.first?["file"] == .string("base.trlhf"))
    let text = try inspect("\(run)/reward.trlhf").outputText
    #expect(text.contains(", sft.trlhf\n        ← base "), "\(text)")
  }
}
