import Glibc
import Support
import Testing

@testable import Checkpoints

/// A mapped checkpoint whose file has since been cut short to its first page. For a process of its own.
private func shrunkenCheckpoint() throws -> Checkpoint {
  Signals.explainBusErrors()
  let sample = Sample()
  let checkpoint = try Checkpoint(path: sample.write())
  truncate(checkpoint.path, 4096)
  return checkpoint
}

@Suite struct FailureTests {
  @Test("a write that fails keeps the old file and leaves nothing behind")
  func failedWrite() throws {
    let sample = Sample()
    let path = try sample.write()
    let before = try Files.read(path)
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try AtomicFile.replace(path) { file in
        try file.write([1, 2, 3], at: 0)
        throw Stop()
      }
    }
    #expect(try Files.read(path) == before)
    #expect(sample.folder.names == ["a.trlhf"])
  }

  @Test("a folder that is not there is named")
  func noFolder() throws {
    let sample = Sample()
    #expect {
      try CheckpointWriter.write(sample.contents, to: sample.folder("none/a.trlhf"))
    } throws: {
      ($0 as? Failure)?.kind == .cannotCreate
        && ($0 as? Failure)?.place == sample.folder("none/a.trlhf")
    }
  }

  @Test("a write that the system refuses keeps the old file and leaves nothing behind")
  func noSpace() async throws {
    await #expect(processExitsWith: .exitCode(0)) {
      let sample = Sample()
      let path = try sample.write()
      let before = try Files.read(path)
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      do {
        try CheckpointWriter.write(sample.contents, to: path)
        exit(1)
      } catch let failure as Failure {
        guard failure.kind == .inputOutput else { exit(2) }
      }
      guard try Files.read(path) == before else { exit(3) }
      guard sample.folder.names == ["a.trlhf"] else { exit(4) }
      exit(0)
    }
  }

  @Test("a file that shrinks in use is noticed before it is read")
  func shrunk() throws {
    let sample = Sample()
    let path = try sample.write()
    let checkpoint = try Checkpoint(path: path)
    try checkpoint.checkStillWhole()
    truncate(path, off_t(checkpoint.fileBytes - 1))
    #expect { try checkpoint.checkStillWhole() } throws: {
      ($0 as? Failure)?.kind == .inputOutput
    }
  }

  @Test("a mapped file cut short ends the process with 74")
  func truncationGuard() async throws {
    await #expect(processExitsWith: .exitCode(74)) {
      Signals.explainBusErrors()
      let sample = Sample()
      let path = try sample.write()
      let checkpoint = try Checkpoint(path: path)
      truncate(path, 0)
      unlink(path)
      let bytes = try checkpoint.sectionBytes(.weights, .policy)
      exit(Int32(bytes[0]) & 1)
    }
  }

  @Test("whatever is touched of a file that shrank, one line says so and the process ends with 74")
  func shrunkInUse() async throws {
    func check(_ result: ExitTest.Result?) {
      #expect(result?.exitStatus == .exitCode(74))
      #expect(
        result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) }
          == "tinyrlhf: a file in use was cut short or cannot be read from its disk. "
            + "Check the disk, then run the same command again.\n")
    }
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let checkpoint = try shrunkenCheckpoint()
        exit(Int32(checkpoint.tokenizer.count))
      })
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        // Many threads meet the hole together.
        try shrunkenCheckpoint().verify(threads: 8)
      })
    check(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Signals.explainBusErrors()
        let sample = Sample(rows: 50_000)
        try Checkpoint.pack(sample.write(), to: sample.folder("a.trlhf.zst"), level: 1)
        let storage = try Storage.map(sample.folder("a.trlhf.zst"), writable: false)
        let expansion = try Expansion(storage.bytes, name: "archive")
        truncate(sample.folder("a.trlhf.zst"), 8192)
        _ = try expansion.memory(threads: 4)
      })
  }

  @Test("contents that no checkpoint can hold are refused before a byte is written")
  func badContents() throws {
    let changes: [(inout CheckpointContents) -> Void] = [
      { $0.tensors[0].name = "" }, { $0.tensors[0].name = "a b" },
      { $0.tensors[0].name = String(repeating: "a", count: 64) }, { $0.tensors[0].dims = [1, 1] },
      { $0.tensors[0].dims = [] }, { $0.tensors[0].dims = [300, 8, 1, 1, 1] },
      { $0.tensors[0].dims = [-300, -8] }, { $0.tensors[0].section = .config },
      { ($0.tensors[0].type, $0.tensors[0].dims) = (.int8, [16, 4 * 300 * 8 / 16]) },
      { $0.architecture.heads = 3 },
    ]
    for change in changes {
      let sample = Sample()
      change(&sample.contents)
      #expect(throws: Failure.self) { try sample.write() }
      #expect(sample.folder.names.isEmpty)
    }
  }
}
