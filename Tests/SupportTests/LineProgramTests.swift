import Testing

@testable import Support

@Suite struct LineProgramTests {
  private func answer(_ program: LineProgram, _ line: String) throws -> String? {
    try program.answer(to: Array(line.utf8)).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("each line gets the program's next line, of any length up to the limit")
  func lines() throws {
    let program = try LineProgram(command: #"while IFS= read -r line; do printf '%s\n' "<$line>"; done"#)
    for line in ["a", "", "b\\c \"d\"", String(repeating: "é", count: 200_000)] {
      #expect(try answer(program, line) == "<\(line)>")
    }
  }

  @Test("a program that ends gives no answer, and its end is told", arguments: [
    ("exit 3", "ended with status 3"), ("kill -9 $$", "was ended by signal 9"), ("true", "ended with status 0"),
    ("no-such-program-of-any-kind", "ended with status 127"), ("read line; printf half", "ended with status 0"),
  ])
  func ends(_ command: String, _ ending: String) throws {
    let program = try LineProgram(command: "{ \(command); } 2> /dev/null")
    #expect(try answer(program, "a") == nil)
    #expect(program.ending == ending)
    // The pipe has no reader any more; this process goes on.
    #expect(try answer(program, "a") == nil)
  }

  @Test("an endless line is refused at the limit")
  func endless() throws {
    let program = try LineProgram(command: "tr '\\0' x < /dev/zero")
    #expect(throws: Failure.self) { try answer(program, "a") }
  }

  @Test("a program that does not end by itself is killed, and nothing is left of it")
  func stubborn() throws {
    let program = try LineProgram(command: "trap '' TERM; while :; do sleep 1; done")
    let start = Clock.monotonic()
    #expect(program.ending == "was ended by signal 9")
    #expect(Clock.monotonic() - start < 60)
  }
}
