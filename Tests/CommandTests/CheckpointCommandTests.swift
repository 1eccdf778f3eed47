import FoundationEssentials
import Support
import TestSupport
import Testing

/// `inspect`, `pack`, `unpack` and `quantize`.
@Suite(.serialized) struct CheckpointCommandTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  @Test("every model packs and unpacks to the same bytes, and an archive serves as its model does")
  func roundTrips() throws {
    let int8 = try program.fresh("packed-int8.trlhf")
    try #require(try program.run("quantize", tiny.sft, "-o", int8).exitCode == 0)
    for (number, model) in [tiny.base, tiny.sft, tiny.reward, int8].enumerated() {
      let archive = try program.fresh("packed-\(number).trlhf.zst")
      let packed = try program.run("pack", model, "-o", archive, "--level", "3")
      #expect(packed.exitCode == 0, "\(packed.errorText)")
      #expect(packed.standardOutput.isEmpty)
      // Without -o, the name is the archive's without its last ending.
      _ = try program.fresh("packed-\(number).trlhf")
      let unpacked = try program.run("unpack", archive, "--threads", "1")
      #expect(unpacked.exitCode == 0, "\(unpacked.errorText)")
      #expect(
        try Files.read("\(program.folder)/packed-\(number).trlhf") == Files.read(model), "\(model)")
    }
    let prompt = "{\"prompt\":\"Hi\"}\n"
    let direct = try program.run("generate", tiny.sft, input: prompt)
    let archived = try program.run(
      "generate", "\(program.folder)/packed-1.trlhf.zst", input: prompt)
    #expect(archived.exitCode == 0, "\(archived.errorText)")
    #expect(archived.outputText == direct.outputText)
  }

  @Test("inspect says what a model is, and verifies it")
  func inspects() throws {
    let result = try program.run("inspect", tiny.reward, "--json", "--verify")
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(result.errorText.isEmpty)
    let object = try #require(try result.objects().first)
    #expect(
      object.keys.sorted() == [
        "architecture", "base_content_hash", "configuration", "content_hash", "file", "file_bytes",
        "identity", "parents", "provenance", "sections", "tensors", "tokenizer_hash", "training",
        "verified", "version",
      ])
    #expect(object["training"]?["kind"]?.string == "reward")
    #expect(object["architecture"]?["d_model"]?.number == 32)
    #expect(object["file_bytes"]?.number == Double(try Files.read(tiny.reward).count))
    #expect(object["verified"] == .bool(true))
    let names = object["tensors"]?.array?.compactMap { $0["name"]?.string } ?? []
    #expect(names.contains("head.normalization"))
    // Its parent is the SFT model that it was started from.
    let parent = try program.run("inspect", tiny.sft, "--json").objects().first
    let parents = object["provenance"]?["parents"]?.array
    #expect(parents?.first?["hash"] == parent?["identity"])

    let text = try program.run("inspect", tiny.reward)
    #expect(text.exitCode == 0)
    #expect(text.outputText.hasPrefix("\(tiny.reward): reward model"), "\(text.outputText)")
  }

  @Test("one flipped byte anywhere is found and named, also in an archive")
  func flips() throws {
    let bytes = try Files.read(tiny.sft)
    // Magic, version, tables, CONFIG and the sections behind it, weights, and the very last byte.
    let weights = bytes.count / 2
    for offset in [0, 9, 70, 400, 5000, 65_540, 131_080, weights, bytes.count - 1] {
      var damaged = bytes
      damaged[offset] ^= 1
      let path = "\(program.folder)/flipped.trlhf"
      try Files.writeAtomically(damaged, to: path)
      for format in [[], ["--json"]] {
        try tiny.expectRefusal(
          ["inspect", path, "--verify"] + format, code: 65, ["\(path), byte "])
      }
    }
    let archive = try program.fresh("flip.zst")
    try #require(try program.run("pack", tiny.sft, "-o", archive).exitCode == 0)
    let packed = try Files.read(archive)
    for offset in [9, 40, packed.count / 2, packed.count - 1] {
      var damaged = packed
      damaged[offset] ^= 1
      try Files.writeAtomically(damaged, to: archive)
      let target = try program.fresh("unflipped")
      try tiny.expectRefusal(["unpack", archive, "-o", target], code: 65, [archive])
      #expect(!Files.exists(target))
    }
  }

  @Test("a file that was cut short is named with both sizes, and nothing is made of it")
  func cut() throws {
    let bytes = try Files.read(tiny.sft)
    let path = try program.fresh("cut.trlhf")
    try Files.writeAtomically(Array(bytes.prefix(200_000)), to: path)
    for command in [["generate"], ["inspect"], ["pack", "-o", "/nowhere/x"], ["plan", "sft", "--model"]] {
      try tiny.expectRefusal(
        command + [path], code: 65, [path, "\(bytes.count)", "200000", "cut short"])
    }
  }

  @Test("an output that exists stays as it is without --force")
  func keepsOutputs() throws {
    let path = try program.write("precious", to: "precious")
    for command in [["pack", tiny.sft], ["unpack", "builtin:base"], ["quantize", tiny.sft]] {
      try tiny.expectRefusal(
        command + ["-o", path], code: 73, [path, "exists already", "--force"])
      #expect(try Files.read(path) == Array("precious".utf8))
    }
    let made = try program.run("quantize", tiny.sft, "-o", path, "--force")
    #expect(made.exitCode == 0, "\(made.errorText)")
    #expect(made.errorText.contains("The int8 model is \(path)"), "\(made.errorText)")
    let inspected = try program.run("inspect", path, "--json", "--verify").objects().first
    let types = inspected?["tensors"]?.array?.compactMap { $0["type"]?.string } ?? []
    #expect(Set(types) == ["float32", "int8"])
  }
}
