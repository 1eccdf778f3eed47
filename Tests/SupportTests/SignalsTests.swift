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

/// What a signal does now.
private func action(of signal: Int32) -> sigaction {
  var action = sigaction()
  sigaction(signal, nil, &action)
  return action
}

private func address(of action: sigaction) -> Int {
  unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
}

@Suite(.serialized) struct SignalsTests {
  @Test("a caught SIGINT, SIGTERM or SIGHUP is remembered, by its number, until it is forgotten")
  func remembered() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
      Signals.catchInterrupts()
      #expect(!Signals.interrupted)
      send(signal)
      #expect(ts_signal_received() == signal)
      ts_signal_forget()
      #expect(!Signals.interrupted)
    }
  }

  @Test("after the first SIGINT the next one ends the process, and after the first SIGHUP nothing changes")
  func secondEnds() {
    Signals.catchInterrupts()
    let remembers = address(of: action(of: SIGINT))
    send(SIGINT)
    #expect(address(of: action(of: SIGINT)) != remembers)
    #expect(address(of: action(of: SIGTERM)) == remembers)
    ts_signal_forget()
    send(SIGHUP)
    #expect(address(of: action(of: SIGHUP)) == remembers)
    ts_signal_forget()
  }

  @Test("a SIGHUP that was ignored stays ignored, as nohup wants it")
  func nohup() {
    let before = action(of: SIGHUP)
    defer {
      var before = before
      sigaction(SIGHUP, &before, nil)
    }
    signal(SIGHUP, SIG_IGN)
    Signals.catchInterrupts()
    Signals.endCleanly()
    #expect(address(of: action(of: SIGHUP)) == 1)  // SIG_IGN
  }
}
