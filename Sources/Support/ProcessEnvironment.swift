import CSupport

/// The environment variables that the process was started with.
public enum ProcessEnvironment {
  /// The value of a variable; nil if it is not set.
  public static func variable(_ name: String) -> String? {
    ts_environment(name).map { String(cString: $0) }
  }
}
