import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// SIGINT, SIGTERM and SIGHUP as a flag that a training loop checks after each step, and other signal handling.
public enum Signals {
  /// Installs handlers that remember the first SIGINT or SIGTERM; a second one of the same kind ends the process at
  /// once. SIGHUP is remembered every time, unless it was ignored before, as `nohup` requires.
  public static func catchInterrupts() { ts_signals_catch() }

  /// Installs handlers that remove the temporary files (`Temporaries`) before a signal ends the process.
  public static func endCleanly() { ts_signals_end_cleanly() }

  /// Whether SIGINT, SIGTERM or SIGHUP has arrived since `catchInterrupts`.
  public static var interrupted: Bool { ts_signal_received() != 0 }

  /// Ignores SIGXFSZ: a write beyond the file size limit then fails with an error instead of ending the process.
  public static func outliveFileSizeLimits() { signal(SIGXFSZ, SIG_IGN) }

  /// Installs a handler that ends the process with one message and exit code 74 when a mapped file is truncated.
  public static func explainBusErrors() { ts_signals_catch_bus() }
}
