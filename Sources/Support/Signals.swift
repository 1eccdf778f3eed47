import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// SIGINT, SIGTERM and SIGHUP as a flag that a training loop looks at after each step; and what else
/// signals do to the process.
public enum Signals {
  /// From now on the first SIGINT or SIGTERM is remembered; a second one of the same kind ends
  /// the process at once. SIGHUP is remembered however often it comes, unless it was ignored before, as
  /// `nohup` wants it.
  public static func catchInterrupts() { ts_signals_catch() }

  /// From now on a signal that ends the process first removes its temporary files (`Temporaries`).
  public static func endCleanly() { ts_signals_end_cleanly() }

  /// Whether SIGINT, SIGTERM or SIGHUP has come since `catchInterrupts`.
  public static var interrupted: Bool { ts_signal_received() != 0 }

  /// From now on a write beyond the limit on the size of files fails, which is told, and does not end
  /// the process.
  public static func outliveFileSizeLimits() { signal(SIGXFSZ, SIG_IGN) }

  /// From now on a mapped file that is cut short ends the process with one message and code 74.
  public static func explainBusErrors() { ts_signals_catch_bus() }
}
