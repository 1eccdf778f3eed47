import CFaults
import Glibc
import Support
import Testing

@testable import Checkpoints

/// Every call of the C library on a file fails once.
@Suite(.serialized) struct CallFaultTests {
  /// What a call may fail with, and what it may fail with and nobody must notice.
  private static let faults: [(call: String, refused: [Int32], passing: [Int32])] = [
    ("open", [EIO, EMFILE], [EINTR]), ("read", [EIO], [EINTR, CF_SHORT]),
    ("write", [ENOSPC, EIO], [EINTR, CF_SHORT]), ("fsync", [EIO, ENOSPC], [EINTR]),
    ("ftruncate", [ENOSPC], [EINTR]), ("mmap", [ENOMEM], []), ("close", [], [EIO, EINTR]),
    ("flock", [], [EINTR, ENOLCK]), ("rename", [EIO], []),
  ]

  /// Runs `body` on a fresh checkpoint until no call is left that has not failed.
  /// - Parameter law: looks at the file, whether `body` threw or not.
  /// - Returns: how many runs threw.
  private func sweep(
    _ body: (String) throws -> Void, law: (Checkpoint, _ threw: Bool, _ label: String) -> Void
  ) throws -> Int {
    var refusals = 0
    for (call, refused, passing) in Self.faults {
      for error in refused + passing {
        for number in 1... {
          let sample = Sample()
          let path = try sample.write()
          let label: String = "\(call) \(number), error \(error)"
          cf_arm(sample.folder.path, call, Int32(number), error, nil)
          let result = Result { try body(path) }
          let seen = Int(cf_disarm())
          var threw = false
          if case .failure(let thrown) = result {
            threw = true
            refusals += 1
            let kind = (thrown as? Failure)?.kind
            #expect(kind == .inputOutput || kind == .cannotCreate, "\(label): \(thrown)")
            #expect(seen >= number && refused.contains(error), "\(label): \(thrown)")
          }
          #expect(sample.folder.names == ["a.trlhf"], "\(label)")
          law(try Checkpoint(path: path, verify: true), threw, label)
          if seen < number { break }
        }
      }
    }
    return refusals
  }

  @Test("whichever call in the cache folder fails, an archive is opened all the same")
  func cache() throws {
    let sample = Sample()
    let archive = sample.folder("a.trlhf.zst")
    try Checkpoint.pack(try sample.write(), to: archive)
    var strikes = 0
    for (call, refused, passing) in Self.faults {
      for error in refused + passing {
        for number in 1... {
          let cache = Folder()
          cf_arm(cache.path, call, Int32(number), error, nil)
          let result = Result { try Checkpoint.open(archive, cache: cache.path, verify: true) }
          let seen = Int(cf_disarm())
          let label: String = "\(call) \(number), error \(error)"
          #expect((try? result.get())?.training.step == 12, "\(label): \(result)")
          #expect(!cache.names.contains { $0.hasSuffix(".partial") }, "\(label)")
          if seen < number { break }
          strikes += 1
        }
      }
    }
    #expect(strikes > 20)
  }

  @Test(
    "whichever call of a rewritten configuration fails, the old text or the new one is in force",
    arguments: [20, 200_000])
  func configuration(count: Int) throws {
    let old = Sample().contents.configuration
    let text = [UInt8](repeating: 0x20, count: count)
    let refusals = try sweep {
      try Checkpoint.editConfiguration($0) { _ in text }
    } law: { checkpoint, threw, label in
      let found = checkpoint.configuration
      #expect(found == text || threw && found == old, "\(label)")
    }
    #expect(refusals > 5)
  }

  @Test("whichever call of a checkpoint's writing fails, the old file or the new one is there, whole")
  func writing() throws {
    let next = Sample()
    next.contents.training.step = 13
    let refusals = try sweep {
      try CheckpointWriter.write(next.contents, to: $0)
    } law: { checkpoint, threw, label in
      let step = checkpoint.training.step
      #expect(step == 13 || threw && step == 12, "\(label)")
    }
    #expect(refusals > 20)
  }
}
