import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What time it is and what the process has used. Nothing here may enter a checkpoint.
public enum Clock {
  /// Seconds of a clock that never goes back.
  public static func monotonic() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  }

  /// Calls `body` again and again on a thread of its own, `milliseconds` after it has returned. Where no
  /// thread can be made, never.
  public static func every(milliseconds: Int32, _ body: @convention(c) () -> Void) {
    _ = ts_every(milliseconds, body)
  }

  /// Seconds that this thread has had of a processor: a busy machine does not lengthen them.
  public static func processor() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
  }

  /// The largest resident memory that the process has had, in bytes.
  public static func peakResidentBytes() -> Int { Memory.peak ?? usedByProcess() }

  /// Where there is no `/proc`: counts what the process had in memory before it became this program.
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
