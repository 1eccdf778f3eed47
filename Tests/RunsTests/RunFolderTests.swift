import Support
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@testable import Runs

private func manifest(seed: UInt64 = 1, rate: Double = 0.001) -> Manifest {
  Manifest(
    command: ["tinyrlhf", "all"],
    configuration: ["learning-rate": .number(rate), "quick": .bool(false)], seed: seed,
    worldSeed: 3, host: .current(threads: 2, memoryLimit: 1 << 28), started: "2025-01-01T00:00:00Z")
}

@Test("a run begun in a folder that does not exist makes it and writes its manifest")
func runFolderBegins() throws {
  let temporary = TemporaryFolder()
  let path = "\(temporary.path)/a/b"
  let run = try RunFolder.start(at: path, manifest: manifest(), resume: false)
  #expect(run.manifest == manifest())
  #expect(try RunFiles(folder: path).manifest() == manifest())
  #expect(!run.manifest.host.processor.isEmpty)
}

@Test("a folder with files is refused without --resume, and nothing in it changes")
func runFolderRefusesFiles() throws {
  let temporary = TemporaryFolder()
  try temporary.write("mine", to: "thesis.txt")
  let failure = #expect(throws: Failure.self) {
    try RunFolder.start(at: temporary.path, manifest: manifest(), resume: false)
  }
  #expect(failure?.kind == .usage)
  #expect(failure?.place == temporary.path)
  #expect(failure?.remedy?.contains("--resume") == true)
  #expect(failure?.what.contains("thesis.txt") == true)
  #expect(try Files.names(in: temporary.path) == ["thesis.txt"])
}

@Test("--resume refuses a folder with files but no run")
func runFolderResumeNeedsRun() throws {
  let temporary = TemporaryFolder()
  try temporary.write("mine", to: "thesis.txt")
  let failure = #expect(throws: Failure.self) {
    try RunFolder.start(at: temporary.path, manifest: manifest(), resume: true)
  }
  #expect(failure?.kind == .usage)
  #expect(throws: Failure.self) { try RunFolder.resume(at: temporary.path) }
  #expect(try temporary.read("thesis.txt") == "mine")
}

@Test("a run of a version that stored no hashes of its data is resumed, and has them from then on")
func runFolderResumeOld() throws {
  let temporary = TemporaryFolder()
  let path = "\(temporary.path)/run"
  _ = try RunFolder.start(at: path, manifest: manifest(), resume: false)
  var now = manifest()
  now.dataHashes = ["demonstrations": "00ff"]
  _ = try RunFolder.start(at: path, manifest: now, resume: true)
  #expect(try RunFiles(folder: path).manifest().dataHashes == now.dataHashes)
  now.dataHashes = ["demonstrations": "00fe"]
  #expect(throws: Failure.self) { try RunFolder.start(at: path, manifest: now, resume: true) }
}

@Test("--resume in an empty folder begins")
func runFolderResumeEmpty() throws {
  let temporary = TemporaryFolder()
  let run = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: true)
  #expect(run.manifest.resumed.isEmpty)
}

@Test("--resume begins where a run was killed before it had its manifest")
func runFolderResumesUnborn() throws {
  let temporary = TemporaryFolder()
  try temporary.write("{", to: "manifest.json.partial")
  let run = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: true)
  #expect(run.manifest == manifest())
  #expect(try Files.names(in: temporary.path).sorted() == ["lock", "manifest.json"])
}

@Test("a path below a file and a folder named by a file are refused")
func runFolderUncreatable() throws {
  let temporary = TemporaryFolder()
  try temporary.write("", to: "file")
  for path in ["\(temporary.path)/file", "\(temporary.path)/file/run"] {
    let failure = #expect(throws: Failure.self) {
      try RunFolder.start(at: path, manifest: manifest(), resume: false)
    }
    #expect(failure?.kind == .cannotCreate)
    #expect(failure?.place == path)
  }
}

@Test("a second user of a run folder is told that it is busy, with or without --resume")
func runFolderBusy() throws {
  let temporary = TemporaryFolder()
  var run: RunFolder? = try RunFolder.start(
    at: temporary.path, manifest: manifest(), resume: false)
  let pid = try temporary.read(FolderLock.name).split(separator: " ")[0]
  for resume in [false, true] {
    let failure = #expect(throws: Failure.self) {
      try RunFolder.start(at: temporary.path, manifest: manifest(), resume: resume)
    }
    #expect(failure?.kind == .busy)
    #expect(failure?.what.contains(pid) == true)
  }
  #expect(run != nil)
  run = nil
  _ = try RunFolder.resume(at: temporary.path)
}

@Test("another process's lock counts, and goes when that process is killed")
func runFolderLockOfOtherProcess() throws {
  let temporary = TemporaryFolder()
  _ = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: false)
  let holder = try ChildProcess(
    "flock", ["--no-fork", "\(temporary.path)/lock", "sh", "-c", "echo held; exec sleep 60"])
  let start = Clock.monotonic()
  while holder.outputSoFar.isEmpty && Clock.monotonic() - start < 20 {}
  #expect(throws: Failure(
    .busy, "is in use by process (unnamed)", at: temporary.path,
    remedy: "Wait until it ends, or choose another folder with --output.")
  ) { try RunFolder.resume(at: temporary.path) }
  holder.send(signal: 9)
  #expect(holder.wait(timeout: 20).exitCode == 128 + 9)
  #expect(try RunFolder.resume(at: temporary.path).manifest.seed == 1)
}

@Test("a lock names its holder's machine, or says that the holder is gone and something else holds it")
func runFolderLockNames() throws {
  var name = [CChar](repeating: 0, count: 65)
  gethostname(&name, 64)
  let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  // No process has a number beyond the kernel's limit of 2²².
  for (line, phrase) in [
    ("4194999 elsewhere\n", "by process 4194999 on elsewhere"),
    ("4194999 \(host)\n", "process 4194999, now gone"), ("\(getpid()) \(host)\n", "process \(getpid())"),
  ] {
    let temporary = TemporaryFolder()
    try temporary.write(line, to: FolderLock.name)
    let descriptor = open("\(temporary.path)/\(FolderLock.name)", O_RDWR | O_CLOEXEC)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    let failure = #expect(throws: Failure.self) { try FolderLock(folder: temporary.path) }
    #expect(failure?.kind == .busy)
    #expect(failure?.what.contains(phrase) == true, "\(failure!)")
    #expect(try temporary.read(FolderLock.name) == line)
  }
}

@Test("a run that is withdrawn leaves the place as it was found")
func runFolderWithdrawn() throws {
  let temporary = TemporaryFolder()
  let above = "\(temporary.path)/a"
  try RunFolder.start(at: "\(above)/b", manifest: manifest(), resume: false).withdraw([])
  #expect(!Files.exists(above))
  // A folder that was there stays, and so does a run that was there.
  try RunFolder.start(at: temporary.path, manifest: manifest(), resume: true).withdraw([])
  #expect(try Files.names(in: temporary.path) == [])
  _ = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: false)
  try RunFolder.start(at: temporary.path, manifest: manifest(), resume: true).withdraw([])
  #expect(try Files.names(in: temporary.path) == ["lock", "manifest.json"])
}

@Test("a finished stage stays finished after a resume; one that was interrupted does not")
func runFolderStages() throws {
  let temporary = TemporaryFolder()
  do {
    let run = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: false)
    #expect(!run.isFinished("sft"))
    try run.begin("sft")
    #expect(!run.isFinished("sft"))
    try run.pause("sft", seconds: 2)
    try run.begin("sft")
    try temporary.write("weights", to: "sft.trlhf")
    try run.finish("sft", seconds: 3, checkpoint: "sft.trlhf", identity: "00ff")
    try run.begin("reward")
    try temporary.write("torn", to: "reward.trlhf.partial")
  }
  let run = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: true)
  #expect(run.isFinished("sft"))
  #expect(!run.isFinished("reward"))
  #expect(run.manifest.resumed.count == 1)
  #expect(
    run.manifest.stages == [
      Manifest.Stage(
        name: "sft", status: .finished, seconds: 5, checkpoint: "sft.trlhf", identity: "00ff"),
      Manifest.Stage(name: "reward", status: .running, seconds: 0),
    ])
  #expect(!Files.exists("\(temporary.path)/reward.trlhf.partial"))
}

@Test("a stage whose checkpoint was removed is not finished")
func runFolderMissingCheckpoint() throws {
  let temporary = TemporaryFolder()
  let run = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: false)
  try run.finish("sft", seconds: 3, checkpoint: "sft.trlhf", identity: "00ff")
  #expect(!run.isFinished("sft"))
  try temporary.write("weights", to: "sft.trlhf")
  #expect(run.isFinished("sft"))
}

@Test("a resume with another learning option or seed is refused, naming both values")
func runFolderOtherOptions() throws {
  let temporary = TemporaryFolder()
  _ = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: false)
  let rate = #expect(throws: Failure.self) {
    try RunFolder.start(at: temporary.path, manifest: manifest(rate: 0.01), resume: true)
  }
  #expect(rate?.kind == .usage)
  #expect(rate?.what.contains("learning-rate 0.001") == true)
  #expect(rate?.what.contains("0.01") == true)
  let seed = #expect(throws: Failure.self) {
    try RunFolder.start(at: temporary.path, manifest: manifest(seed: 2), resume: true)
  }
  #expect(seed?.what.contains("seed 1") == true)
  #expect(try RunFolder.resume(at: temporary.path).manifest.seed == 1)
}

@Test("a manifest of another version is refused with both versions")
func runFolderVersion() throws {
  let temporary = TemporaryFolder()
  try temporary.write("{\"version\": 9}", to: RunFile.manifest)
  let failure = #expect(throws: Failure.self) { try RunFolder.resume(at: temporary.path) }
  #expect(failure?.kind == .badData)
  #expect(failure?.what.contains("9") == true)
}

@Test("of the training checkpoints of a stage the newest and the best are kept")
func runFolderRetention() throws {
  let temporary = TemporaryFolder()
  let run = try RunFolder.start(at: temporary.path, manifest: manifest(), resume: false)
  for step in [5, 100, 20] {
    let path = run.trainingCheckpoint("ppo", step: step).path
    try Files.writeAtomically([1], to: path)
  }
  try temporary.write("", to: "ppo-control-00000007.training.trlhf")
  try temporary.write("", to: "ppo.trlhf")
  #expect(try run.trainingCheckpoints("ppo").map(\.step) == [100, 20, 5])
  try run.retain("ppo", keep: 1, best: 5)
  #expect(try run.trainingCheckpoints("ppo").map(\.step) == [100, 5])
  try run.retain("ppo", keep: 2, best: 20)
  #expect(try run.trainingCheckpoints("ppo").map(\.step) == [100, 5])
  try run.retain("ppo", keep: 0)
  #expect(
    try Files.names(in: temporary.path)
      == ["lock", "manifest.json", "ppo-control-00000007.training.trlhf", "ppo.trlhf"])
}

@Test("what is damaged in a run folder has a remedy that helps", arguments: ["{", "{}", "[1]", ""])
func damagedFiles(text: String) throws {
  let temporary = TemporaryFolder()
  func remedy(_ name: String, _ read: () throws -> Void) throws -> String {
    try temporary.write(text + (name.hasSuffix("l") ? "x\n" : ""), to: name)
    defer { unlink(temporary.file(name)) }
    let failure = #expect(throws: Failure.self, "\(name)") { try read() }
    #expect(failure?.kind == .badData)
    return failure?.remedy ?? ""
  }
  let manifest = try remedy(RunFile.manifest) { _ = try RunFolder.resume(at: temporary.path) }
  #expect(manifest.hasPrefix("It cannot be restored. Start a new run in another folder"))
  for (name, words) in [
    (RunFile.summary, "Remove summary.json"), (RunFile.evaluation, "Remove summary.json"),
    (RunFile.study, "Remove it"), (RunFile.metrics, "Remove the line"), (RunFile.samples, "Remove summary.json"),
  ] {
    #expect(try remedy(name) { _ = try RunRecords.read(temporary.path) }.hasPrefix(words), "\(name)")
  }
}
