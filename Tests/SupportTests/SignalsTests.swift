import CSupport
import Testing

@testable import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Sends a signal to this process and waits until it is remembered. (`raise` would not do: the
/// threads that tests run on block signals.)
private func send(_ signal: Int32) {
  let start = Clock.monotonic()
  kill(getpid(), signal)
  while !Signals.interrupted && Clock.monotonic() - start < 20 {}
}

@Suite(.serialized) struct SignalsTests {
  @Test("a caught SIGINT or SIGTERM is remembered, by its number, until it is forgotten")
  func remembered() {
    for signal in [SIGINT, SIGTERM] {
      Signals.catchInterrupts()
      #expect(!Signals.interrupted)
      send(signal)
      #expect(Signals.received == signal)
      Signals.forget()
      #expect(Signals.received == nil)
    }
  }

  @Test("after the first signal the next one has its default action")
  func secondEnds() {
    Signals.catchInterrupts()
    send(SIGINT)
    var action = sigaction()
    sigaction(SIGINT, nil, &action)
    #expect(action.__sigaction_handler.sa_handler == nil)  // SIG_DFL
    Signals.forget()
  }
}
