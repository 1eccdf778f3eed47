import Support
import TestSupport
import Testing

/// What others' tools are told of the format: `file` and Kaitai Struct.
@Suite(.serialized) struct DescriptionTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private static let root = PythonReaderTests.root
  private static let hasFile = (try? ChildProcess.run("file", ["--version"]).exitCode) == 0

  @Test(
    "file(1) names kind, version and tensors of a checkpoint, and knows an archive",
    .enabled(if: hasFile, "file(1) is needed: apt-get install file"))
  func magic() throws {
    func say(_ path: String) throws -> String {
      let result = try ChildProcess.run(
        "file", ["-b", "-m", "\(Self.root)/Tools/trlhf.magic", path], timeout: 20)
      #expect(result.exitCode == 0 && result.errorText.isEmpty, "\(result.errorText)")
      return result.outputText
    }
    for (model, kind) in [(tiny.base, "base"), (tiny.sft, "sft"), (tiny.reward, "reward")] {
      let object = try program.run("inspect", model, "--json").objects()[0]
      let step = try #require(object["training"]?["step"]?.number)
      let tensors = try #require(object["tensors"]?.array?.count)
      let bytes = try Files.read(model).count
      #expect(
        try say(model) == """
          tinyrlhf checkpoint, version 1.0, \(kind) model, step \(Int(step)), 1 layers, d_model 32, \
          \(tensors) tensors, \(bytes) bytes

          """)
    }
    let archive = try program.fresh("magic.trlhf.zst")
    try #require(try program.run("pack", tiny.base, "-o", archive).exitCode == 0)
    let text = try say(archive)
    #expect(text.hasPrefix("tinyrlhf checkpoint archive, zstd, version 1, "), "\(text)")
    #expect(text.hasSuffix(" frames, expands to \(try Files.read(tiny.base).count) bytes\n"), "\(text)")
    #expect(!(try say(tiny.demonstrations)).contains("tinyrlhf"))
  }

  @Test(
    "the Kaitai description, FORMAT.md and real files agree",
    .enabled(if: PythonReaderTests.hasNumPy, PythonReaderTests.needsNumPy))
  func kaitai() throws {
    let int8 = try program.fresh("kaitai-int8.trlhf")
    try #require(try program.run("quantize", tiny.sft, "-o", int8).exitCode == 0)
    // The second slot of CONFIG in force.
    try #require(try program.run("inspect", int8, "--set", "note=x").exitCode == 0)
    let result = try ChildProcess.run(
      "python3", ["\(Self.root)/Tools/check-ksy", tiny.base, tiny.reward, int8],
      environment: ["PYTHONDONTWRITEBYTECODE": "1"], timeout: 60)
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(result.outputText.contains("so do 3 files"), "\(result.outputText)")
  }
}
