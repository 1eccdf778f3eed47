import TestSupport
import Testing

@testable import Support

@Test("a child gets its arguments, input and environment, and its output and code come back")
func childProcessRoundTrip() throws {
  let result = try ChildProcess.run(
    "sh", ["-c", "cat; echo \"$1 $COLOUR\" >&2; exit 7", "sh", "two words"],
    input: Array("in\0put".utf8), environment: ["COLOUR": "blue"], timeout: 20)
  #expect(result.exitCode == 7)
  #expect(result.standardOutput == Array("in\0put".utf8))
  #expect(result.errorText == "two words blue\n")
  #expect(!result.timedOut)
}

@Test("a nil in the environment removes the variable")
func childEnvironmentRemoves() throws {
  let script = "echo ${HOME-unset} ${PATH:+kept}"
  let result = try ChildProcess.run("sh", ["-c", script], environment: ["HOME": nil], timeout: 20)
  #expect(result.outputText == "unset kept\n")
}

@Test("large input and output never block each other")
func childLargeStreams() throws {
  let input = [UInt8](repeating: 0x61, count: 3_000_000)
  let result = try ChildProcess.run("sh", ["-c", "tee /dev/stderr"], input: input, timeout: 30)
  #expect(result.standardOutput == input)
  #expect(result.standardError.count == input.count)
}

@Test("a child is killed when its time is over")
func childTimeout() throws {
  let start = Clock.monotonic()
  let result = try ChildProcess.run("sleep", ["60"], timeout: 0.1)
  #expect(result.timedOut)
  #expect(result.exitCode == 128 + 9)
  #expect(Clock.monotonic() - start < 20)
}

@Test("a signal reaches the child, and its output can be read before it ends")
func childSignal() throws {
  let child = try ChildProcess(
    "sh", ["-c", "trap 'echo caught; exit 130' INT; echo ready; while :; do sleep 0.02; done"])
  let start = Clock.monotonic()
  while child.outputSoFar.isEmpty && Clock.monotonic() - start < 20 {}
  #expect(String(decoding: child.outputSoFar, as: UTF8.self) == "ready\n")
  #expect(child.isRunning)
  child.send(signal: 2)
  let result = child.wait(timeout: 20)
  #expect(result.exitCode == 130)
  #expect(result.outputText == "ready\ncaught\n")
}

@Test("a program that does not exist is an error with its name")
func childMissing() {
  let failure = #expect(throws: Failure.self) { try ChildProcess("no-such-program-here") }
  #expect(failure?.place == "no-such-program-here")
  #expect(failure?.kind == .failed)
}
