import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The time and the resources that the process has used. None of this may enter a checkpoint.
public enum Clock {
  /// Seconds of a monotonic clock.
  public static func monotonic() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  }

  /// Calls `body` repeatedly on a separate thread, `milliseconds` after it last returned. If no thread can be
  /// created, `body` is never called.
  public static func every(milliseconds: Int32, _ body: @convention(c) () -> Void) {
    _ = ts_every(milliseconds, body)
  }

  /// CPU seconds that this thread has used. Load from other processes does not increase them.
  public static func processor() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  }

  /// The process's largest resident memory so far, in bytes.
  public static func peakResidentBytes() -> Int { Memory.peak ?? usedByProcess() }

  /// For systems without `/proc`. The figure includes the process's memory from before `exec`.
  private static func usedByProcess() -> Int {
    var usage = rusage()
    let thisProcess: Int32 = 0  // RUSAGE_SELF, whose type differs between C libraries.
    getrusage(thisProcess, &usage)
    return Int(usage.ru_maxrss) * 1024  // Linux counts kibibytes.
  }

  /// The date and time in UTC: "2025-03-09T14:05:07Z".
  public static func date() -> String { date(secondsSince1970: Int(time(nil))) }

  static func date(secondsSince1970 seconds: Int) -> String {
    var (moment, parts) = (time_t(seconds), tm())
    gmtime_r(&moment, &parts)
    func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
    return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }
}
