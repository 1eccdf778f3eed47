import CSupport

/// The variables that the process was started with.
public enum ProcessEnvironment {
  /// nil where there is none of this name.
  public static func variable(_ name: String) -> String? {
    ts_environment(name).map { String(cString: $0) }
  }
}
