import Checkpoints
import FoundationEssentials
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Support
import Testing

/// `Tools/trlhf.py`, which knows the format from its description alone, against the program.
@Suite(.serialized) struct PythonReaderTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  /// The sources' folder: three above this file.
  static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    .joined(separator: "/")
  static let reader = "\(root)/Tools/trlhf.py"

  /// Whether it can run here; a skipped test prints the reason.
  static let hasNumPy = (try? ChildProcess.run("python3", ["-c", "import numpy"]).exitCode) == 0
  static let needsNumPy: Comment = "python3 with NumPy is needed: apt-get install python3-numpy"

  private func read(_ arguments: String..., code: Int32 = 0) throws -> ChildProcess.Result {
    let result = try ChildProcess.run(
      "python3", [Self.reader] + arguments, environment: ["PYTHONDONTWRITEBYTECODE": "1"],
      timeout: 120)
    #expect(result.exitCode == code, "\(arguments): \(result.errorText)")
    return result
  }

  /// A checkpoint from which an interrupted stage continues.
  private func training() throws -> String {
    let folder = try program.fresh("python-training")
    var arguments = tiny.sftArguments("python-training")
    arguments += ["--epochs", "1000", "--save-interval", "0"]
    let stage = try ChildProcess(program.binary, arguments)
    func checkpoint() -> String? {
      (try? FileManager.default.contentsOfDirectory(atPath: folder))?
        .first { $0.hasSuffix(".training.trlhf") }
    }
    let start = Clock.monotonic()
    while stage.isRunning, checkpoint() == nil, Clock.monotonic() - start < 100 { usleep(5000) }
    // It ends its step, saves, and keeps the newest.
    stage.send(signal: SIGINT)
    #expect(stage.wait(timeout: 20).exitCode == 130)
    return "\(folder)/\(try #require(checkpoint()))"
  }

  private func models() throws -> [String] {
    let int8 = try program.fresh("python-int8.trlhf")
    try #require(try program.run("quantize", tiny.sft, "-o", int8).exitCode == 0)
    return [tiny.base, tiny.sft, tiny.reward, int8, try training()] + (try [ElementType.bfloat16, .float16].map(halves))
  }

  /// The base with its embedding in 16 bits.
  private func halves(_ type: ElementType) throws -> String {
    let original = try Checkpoint(path: tiny.base)
    let tensor = try original.tensor(called: "token_embedding.weight")
    var halves = [UInt8](repeating: 0, count: 2 * tensor.count)
    halves.withUnsafeMutableBytes { type.write(tensor.floats, count: tensor.count, to: $0.baseAddress!) }
    let path = "\(program.folder)/python-\(type).trlhf"
    _ = try halves.withUnsafeBytes { bytes in
      try CheckpointWriter.write(
        CheckpointContents(
          architecture: original.architecture, training: original.training,
          identity: original.identity, configuration: original.configuration,
          tokenizer: original.tokenizer,
          tensors: [
            TensorSource(
              section: .weights, role: .average, name: "halves", dims: tensor.dims, type: TensorType(type),
              bytes: bytes)
          ], provenance: original.provenance),
        to: path)
    }
    return path
  }

  /// Dims and values of every tensor by its address, as `import trlhf` gives them; and the stored values.
  private func everyArray(_ model: String) throws -> [String: JSONValue] {
    let script = """
      import json, sys
      sys.path.insert(0, sys.argv[1])
      import trlhf
      file = trlhf.Checkpoint(sys.argv[2])
      print(json.dumps({name: dict(dims=array.shape, values=array.ravel().tolist(),
                                   stored=file.stored(file.find(name)).ravel().tolist())
                        for name, array in file.items()}))
      """
    let result = try ChildProcess.run(
      "python3", ["-c", script, "\(Self.root)/Tools", model],
      environment: ["PYTHONDONTWRITEBYTECODE": "1"], timeout: 60)
    #expect(result.exitCode == 0, "\(result.errorText)")
    return try result.objects()[0]
  }

  @Test(
    "the Python reader sees in every kind of file what the program sees",
    .enabled(if: hasNumPy, needsNumPy))
  func agrees() throws {
    var types: Set<String> = []
    for model in try models() {
      let ours = try program.run("inspect", model, "--json", "--no-stats", "--verify").objects()[0]
      let theirs = try read(model, "--json", "--verify").objects()[0]
      for (key, value) in theirs where key != "architecture" {
        #expect(ours[key] == value, "\(key) of \(model)")
      }
      // float32 epsilon and theta are printed to other lengths.
      guard case .object(let architecture) = theirs["architecture"] else {
        Issue.record("no architecture")
        continue
      }
      for (key, value) in architecture {
        let our = ours["architecture"]?[key]
        #expect(our == value || our?.number.map { Float($0) } == value.number.map { Float($0) })
      }
      let arrays = try everyArray(model)
      #expect(arrays.count == ours["tensors"]?.array?.count)
      for (address, their) in arrays {
        let our = try program.run("inspect", model, "--tensor", address, "--json").objects()[0]
        #expect(our["dims"] == their["dims"])
        let (a, b) = (our["values"]?.array ?? [], their["stored"]?.array ?? [])
        let type = our["type"]?.string ?? ""
        #expect(type == "int8" || their["values"] == their["stored"])
        #expect(a.map { Float($0.number!) } == b.map { Float($0.number!) }, "\(address) of \(model)")
        #expect(!a.isEmpty)
        types.insert(type)
      }
      // The command prints what the library gives.
      let (address, array) = try #require(arrays.max { $0.key < $1.key })
      let printed = try read(model, "--tensor", address, "--json").objects()[0]
      #expect(printed["values"] == array["values"] && printed["dims"] == array["dims"])
    }
    #expect(types == ["float32", "int8", "bfloat16", "float16"])
  }

  @Test(
    "the weights that Python reads from int8 are those of the description, to the bit",
    .enabled(if: hasNumPy, needsNumPy),
    arguments: [(17, 5), (3, 15), (2, 16), (5, 37), (2, 64), (3, 70), (4, 127), (2, 192)])
  func int8(rows: Int, columns: Int) throws {
    let tensor = PreparedTensor(rows, columns)
    let path = try write(tensor)
    #expect(try program.run("inspect", path, "--verify", "--no-stats").exitCode == 0)
    _ = try read(path, "--verify")
    let found = try #require(try everyArray(path)["weights/policy/prepared"]?["values"]?.array)
    #expect(found.map { Float($0.number!) } == tensor.weights)
  }

  @Test("both readers refuse a bad factor and int8 of the earlier form", .enabled(if: hasNumPy, needsNumPy))
  func badInt8() throws {
    var tensor = PreparedTensor(3, 70)
    for factor in [0, -1, .nan, .infinity, 3, 0x1p33, 0x1p-33] as [Float] {
      tensor.factors[69] = factor
      let path = try write(tensor)
      for error in [
        try program.run("inspect", path, "--verify").errorText, try read(path, "--verify", code: 65).errorText,
      ] { #expect(error.contains("the factor of column 69 is "), "\(factor): \(error)") }
    }
    tensor.factors[69] = 1
    let path = try write(tensor)
    var bytes = try Files.read(path)
    let tables = bytes.withUnsafeBytes { 4096 + 64 * Int($0[64]) + 128 * Int($0[68]) }
    bytes[tables - 128 + 65] = 1
    bytes.replaceSubrange(24..<32, with: [UInt8](repeating: 0, count: 8))
    let checksum = Hash.xxh64(Array(bytes.prefix(tables)))
    withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(24..<32, with: $0) }
    try Files.writeAtomically(bytes, to: path)
    let ours = try program.run("inspect", path)
    #expect(ours.exitCode == 65 && ours.errorText.contains("Quantise the model that it was made from again"), "\(ours.errorText)")
    #expect(try read(path, code: 65).errorText.contains("quantise the model that it was made from again"))
  }

  /// A file that holds nothing else.
  private func write(_ tensor: PreparedTensor) throws -> String {
    let original = try Checkpoint(path: tiny.base)
    let path = try program.fresh("python-prepared.trlhf")
    _ = try CheckpointWriter.write(
      CheckpointContents(
        architecture: original.architecture, training: original.training,
        identity: original.identity, configuration: original.configuration, tensors: [tensor.source]),
      to: path)
    return path
  }

  @Test("both readers see every field of an unusual architecture", .enabled(if: hasNumPy, needsNumPy))
  func architecture() throws {
    let original = try Checkpoint(path: tiny.base)
    var a = original.architecture
    (a.position, a.rotaryDim, a.rotaryTheta, a.normEpsilon) = (.rotary, 8, 500, 0.25)
    a.ropeScaling = .init(factor: 8, lowFrequencyFactor: 1.5, highFrequencyFactor: 4, originalContext: 8192)
    (a.mlp, a.normPlacement, a.normUnitOffset) = (.gegluExact, .both, true)
    (a.queryKeyNorm, a.queryKeyNormSpansHeads, a.parallelResidual) = (true, true, false)
    (a.window, a.attentionScale, a.attentionCap, a.logitCap) = (512, 0.125, 50, 30)
    (a.embeddingScale, a.logitScale, a.residualScale) = (2.5, 0.25, -0.5)
    a.otherLayers = .init(period: 64, places: 1 << 63 | 5, window: 16, rotaryTheta: 100)
    let path = try program.fresh("python-architecture.trlhf")
    _ = try CheckpointWriter.write(
      CheckpointContents(
        architecture: a, training: original.training, identity: original.identity,
        configuration: original.configuration, tensors: []),
      to: path)
    let ours = try program.run("inspect", path, "--json").objects()[0]["architecture"]
    let theirs = try read(path, "--json").objects()[0]["architecture"]
    #expect(ours != nil && ours == theirs, "\(ours ?? .null)\n\(theirs ?? .null)")
  }

  @Test(
    "a file that Python wrote after the description is a checkpoint to the program",
    .enabled(if: hasNumPy, needsNumPy))
  func writes() throws {
    let path = try program.fresh("python-written.trlhf")
    let script = """
      import sys
      sys.path.insert(0, sys.argv[1])
      import random_checkpoint
      random_checkpoint.write(sys.argv[2], layers=2, d_model=48, heads=3, vocabulary=1500, context=64)
      """
    let written = try ChildProcess.run(
      "python3", ["-c", script, "\(Self.root)/Tools/peers", path],
      environment: ["PYTHONDONTWRITEBYTECODE": "1"], timeout: 60)
    #expect(written.exitCode == 0, "\(written.errorText)")
    let object = try program.run("inspect", path, "--json", "--verify").objects()[0]
    #expect(object["architecture"]?["d_model"]?.number == 48)
    let deviation = object["tensors"]?.array?.first?["statistics"]?["std"]?.number ?? .nan
    #expect(abs(deviation - 0.02) < 0.001)
    _ = try read(path, "--verify")
  }

  @Test("the Python reader finds a flipped bit wherever it is", .enabled(if: hasNumPy, needsNumPy))
  func flips() throws {
    let int8 = try program.fresh("python-flip-int8.trlhf")
    try #require(try program.run("quantize", tiny.sft, "-o", int8).exitCode == 0)
    for model in [tiny.reward, int8] {
      let bytes = try Files.read(model)
      let path = "\(program.folder)/python-flipped.trlhf"
      var random = RandomStream(seed: 4, purpose: "flips")
      var offsets = [0, 9, 70, 130, 400, 4100, 5000, 65_540, 131_080, bytes.count - 1]
      offsets += (0..<15).map { _ in random.below(bytes.count) }
      for offset in offsets {
        var damaged = bytes
        damaged[offset] ^= 1 << UInt8(random.below(8))
        try Files.writeAtomically(damaged, to: path)
        // What an interrupted rewrite of CONFIG leaves is no damage.
        let ours = try program.run("inspect", path, "--verify").exitCode
        let theirs = try read(path, "--verify", code: ours)
        #expect(ours == 0 || theirs.errorText.contains("\(path), byte "), "\(theirs.errorText)")
      }
      try Files.writeAtomically(Array(bytes.dropLast(7)), to: path)
      #expect(try read(path, code: 65).errorText.contains("\(bytes.count)"))
    }
    let archive = try program.fresh("python.trlhf.zst")
    try #require(try program.run("pack", tiny.base, "-o", archive).exitCode == 0)
    #expect(try read(archive, code: 65).errorText.contains("unpack"))
    #expect(try read(tiny.base, "--tensor", "none", code: 64).outputText.isEmpty)
    _ = try read("/nowhere", code: 74)
  }
}
