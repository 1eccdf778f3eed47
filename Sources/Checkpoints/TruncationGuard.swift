import CSupport

/// From now on, a mapped file that is cut short in use ends the program with one message and exit
/// code 74, instead of a bare SIGBUS.
public func installTruncationGuard() { ts_install_truncation_guard() }
