import CSupport

/// The memory of the process.
public enum Memory {
  /// Gives memory that was freed back to the system, where the C library keeps it.
  public static func releaseFree() { ts_release_free_memory() }
}
