import Checkpoints
import Inference
import Models
import Stages
import Support
import Tensors
import Tokenizers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Checks that files are read from this disk as they were written, and that damage is found.
struct SelftestDisk {
  typealias Check = Selftest.Check

  let folder: String
  private let path: String
  private let parameters: ParameterSet

  /// Makes a model with the built-in base's shape; does not write anything yet.
  init(folder: String) throws {
    self.folder = folder
    path = "\(folder)/tinyrlhf-selftest-\(getpid())"
    parameters = try ParameterSet(
      ParameterLayout(
        PretrainStage.architecture(Settings(), vocabulary: Settings().count(.vocabulary)),
        scalarHead: false), name: "parameters", arena: Arena())
    parameters.initialize(seed: 11)
  }

  func run(_ show: (Check) throws -> Void) throws {
    let files = [model, archive, copy, training]
    defer { files.forEach(Temporaries.discard) }
    for file in files where !Temporaries.add(file) {
      throw Failure(.cannotCreate, "cannot be created: \(Files.systemError())", at: file)
    }
    try show(roundTrip())
    try show(packing())
    try show(flips())
    try show(resuming())
  }

  private var model: String { "\(path).trlhf" }
  private var archive: String { "\(path).trlhf.zst" }
  private var copy: String { "\(path).copy.trlhf" }
  private var training: String { "\(path).training.trlhf" }

  private func roundTrip() throws -> Check {
    let start = Clock.monotonic()
    let architecture = parameters.layout.architecture
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: architecture, training: TrainingRecord(kind: .base, seed: 11),
        identity: 11, configuration: Array("{}".utf8), tensors: parameters.sources(.policy)),
      to: model)
    let cached = try Self.forgetPages(of: model)
    let file = try ModelFile(try Checkpoint(path: model, verify: true))
    let read = try file.parameters()
    let isEqual = parameters.tensors.allSatisfy { tensor, base in
      read.stored(tensor.name).map { memcmp(base, $0.floats, 4 * tensor.count) == 0 } ?? false
    }
    let milliseconds = Int(1000 * (Clock.monotonic() - start))
    let bytes = file.checkpoint.fileBytes
    let source =
      cached == 0 ? "read from the disk"
      : "\(Formatting.fixed(100 * cached, 0)) % of it read from memory, which kept it"
    return Check(
      "a checkpoint written, read and verified in \(folder)", holds: isEqual,
      figure: "\(Formatting.bytes(bytes)) in \(milliseconds) ms, \(source)")
  }

  /// Asks the system to drop the file's pages from memory, so that it is read from the disk again.
  /// - Returns: the share of pages that stay in memory, 0…1; a file system in memory keeps all of them.
  private static func forgetPages(of path: String) throws -> Double {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure(.inputOutput, "cannot be read: \(Files.systemError())", at: path)
    }
    defer { close(descriptor) }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    var status = stat()
    fstat(descriptor, &status)
    let (size, page) = (Int(status.st_size), sysconf(Int32(_SC_PAGESIZE)))
    guard let base = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
      return 1
    }
    defer { munmap(base, size) }
    var pages = [UInt8](repeating: 1, count: (size + page - 1) / page)
    mincore(base, size, &pages)
    return Double(pages.count { $0 & 1 == 1 }) / Double(pages.count)
  }

  private func packing() throws -> Check {
    try Checkpoint.pack(model, to: archive, level: 3, threads: 2)
    try Checkpoint.unpack(archive, to: copy, threads: 2)
    let (before, after) = (try Files.read(model), try Files.read(copy))
    let packed = try Files.read(archive).count
    return Check(
      "its archive expands to the same bytes", holds: before == after,
      figure: "\(Formatting.bytes(before.count)) packed to \(Formatting.bytes(packed))")
  }

  /// Flips single bits in the header, the tables, CONFIG, the weights and the last byte; each flip must be found.
  private func flips() throws -> Check {
    var random = RandomStream(seed: 11, purpose: "selftest/flips")
    let size = try Files.read(copy).count
    let offsets = [3, 17, 4200, 65_540, size - 1] + (0..<7).map { _ in size / 2 + random.below(size / 2) }
    var found = 0
    for offset in offsets {
      try flip(offset)
      do {
        _ = try Checkpoint(path: copy, verify: true, threads: 2)
      } catch let failure as Failure where failure.kind == .badData {
        found += 1
      }
      try flip(offset)
    }
    let isWhole = (try? Checkpoint(path: copy, verify: true)) != nil
    return Check(
      "a flipped bit is found", holds: found == offsets.count && isWhole,
      figure: "\(found) of \(offsets.count) found")
  }

  private func flip(_ offset: Int) throws {
    let descriptor = Files.uninterrupted { open(copy, O_RDWR | O_CLOEXEC) }
    defer { if descriptor >= 0 { close(descriptor) } }
    var byte: UInt8 = 0
    guard descriptor >= 0, pread(descriptor, &byte, 1, off_t(offset)) == 1 else {
      throw Failure(.inputOutput, "cannot be read: \(Files.systemError())", at: copy)
    }
    byte ^= 1 << UInt8(offset % 8)
    guard pwrite(descriptor, &byte, 1, off_t(offset)) == 1 else {
      throw Failure(.inputOutput, "cannot be written: \(Files.systemError())", at: copy)
    }
  }

  /// Compares two uninterrupted iterations of PPO with two iterations between which the state is written to a
  /// checkpoint and read into another model.
  private func resuming() throws -> Check {
    let whole = try SelftestModel(threads: 1)
    for _ in 0..<2 { _ = try whole.learn(try whole.rollout()) }
    let interrupted = try SelftestModel(threads: 1)
    _ = try interrupted.learn(try interrupted.rollout())
    let draft = CheckpointDraft(
      kind: .ppo, architecture: SelftestModel.architecture,
      tokenizer: .train(on: ["selftest"], vocabularySize: 260), seed: 7, step: 1,
      provenance: try Provenance(stage: Stage.ppo.name, parents: [], data: [], configuration: [:]))
    try interrupted.snapshot.write(draft, state: StageState(step: 1), to: training)
    let resumed = try SelftestModel(threads: 1)
    _ = try resumed.snapshot.restore(from: training, as: draft)
    _ = try resumed.learn(try resumed.rollout())
    return Check(comparing: "training resumed from a checkpoint and uninterrupted", whole.bits, resumed.bits)
  }
}
