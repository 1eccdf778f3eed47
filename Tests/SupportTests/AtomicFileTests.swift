import TestSupport
import Testing

@testable import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("A file that takes its name when it is whole") struct AtomicFileTests {
  private let folder = TemporaryFolder()

  @Test("a symbolic link stays one, and what it leads to is replaced")
  func link() throws {
    try folder.write("old", to: "real")
    symlink("real", folder.file("link"))
    try folder.write("new", to: "link")
    #expect(try folder.read("real") == "new")
    var status = stat()
    #expect(lstat(folder.file("link"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    #expect(try Files.names(in: folder.path) == ["link", "real"])
  }

  @Test("a pipe gets the bytes in order, whatever order they were written in, and no name changes")
  func pipe() throws {
    let path = folder.file("pipe")
    #expect(mkfifo(path, 0o600) == 0 && Files.isStream(path))
    let reader = try ChildProcess("cat", [path])
    try AtomicFile.replace(path) { file in
      try file.write(Array("world".utf8), at: 6)
      try file.write(Array("hello ".utf8), at: 0)
    }
    #expect(reader.wait(timeout: 20).outputText == "hello world")
    #expect(try Files.names(in: folder.path) == ["pipe"])
    #expect(Files.isStream("/dev/null") && !Files.isStream(folder.path) && !Files.isStream(folder.file("none")))
  }

  @Test("a folder that is discarded goes with the files and the folders in it")
  func discarding() throws {
    let path = folder.file("begun")
    mkdir(path, 0o755)
    mkdir("\(path)/templates", 0o755)
    for name in ["a", "b", "templates/c"] { try folder.write("x", to: "begun/\(name)") }
    #expect(Temporaries.add(path))
    Temporaries.discard(path)
    #expect(try Files.names(in: folder.path).isEmpty)
  }

  @Test("SIGTERM takes along what was begun, and what is only being named comes to its end")
  func ending() async throws {
    let place = "/tmp/tinyrlhf-ending"
    let result = await #expect(processExitsWith: .signal(SIGTERM)) {
      let place = "/tmp/tinyrlhf-ending"
      Signals.endCleanly()
      mkdir(place, 0o755)
      try Files.writeAtomically([1], to: "\(place)/whole")
      try AtomicFile.replace("\(place)/half") { file in
        try file.write([1], at: 0)
        Temporaries.whole {
          kill(getpid(), SIGTERM)
          usleep(200_000)
          // Nothing has ended the process yet.
          try? Files.writeAtomically([1], to: "\(place)/named")
        }
        sleep(20)
      }
    }
    _ = result
    #expect(try Files.names(in: place) == ["named", "whole"])
    _ = try ChildProcess.run("rm", ["-r", place])
  }
}
