import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// SIGINT, SIGTERM and SIGHUP as a flag that a training loop checks after each step, and other signal handling.
public enum Signals {
  /// Makes the process remember the first SIGINT or SIGTERM; a second one of the same kind ends it at once. SIGHUP is
  /// remembered every time, unless it was ignored before, as `nohup` requires.
  public static func catchInterrupts() { ts_signals_catch() }

  /// Makes a signal that ends the process first remove its temporary files (`Temporaries`).
  public static func endCleanly() { ts_signals_end_cleanly() }

  /// Whether SIGINT, SIGTERM or SIGHUP has arrived since `catchInterrupts`.
  public static var interrupted: Bool { ts_signal_received() != 0 }

  /// Makes a write beyond the file size limit fail with an error instead of ending the process.
  public static func outliveFileSizeLimits() { signal(SIGXFSZ, SIG_IGN) }

  /// Makes the process end with one message and exit code 74 when a mapped file is truncated.
  public static func explainBusErrors() { ts_signals_catch_bus() }
}
