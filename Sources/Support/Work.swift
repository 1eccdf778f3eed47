import Synchronization

/// A piece of work that may take long. It reports its progress to a watcher, which shows it to people.
///
///     let work = Work("packing", of: bytes)
///     defer { work.end() }
///     for piece in pieces { …; work.advance(by: piece.count) }
///
/// Without a watcher it costs nothing and allocates nothing. Any thread may advance it.
public struct Work: Sendable {
  private let task: Task?

  /// - Parameters:
  ///   - name: what is done, as people read it: "packing".
  ///   - total: the number of units to be done; 0 if not known.
  public init(_ name: String, of total: Int) {
    guard let watcher = Self.watcher.withLock({ $0 }) else {
      task = nil
      return
    }
    let task = Task(name, of: total, watcher)
    self.task = task
    watcher.begins(task)
  }

  public func advance(by count: Int = 1) { task?.advance(by: count) }

  /// Must be called exactly once, also after a failure.
  public func end() {
    if let task { task.watcher.ends(task) }
  }

  /// A piece of work as a watcher sees it.
  public final class Task: Sendable {
    public let name: String
    public let total: Int
    /// The start time by `Clock.monotonic`.
    public let begun: Double
    fileprivate let watcher: any Watcher
    private let count = Atomic<Int>(0)

    init(_ name: String, of total: Int, _ watcher: any Watcher, begun: Double = Clock.monotonic()) {
      self.name = name
      self.total = total
      self.watcher = watcher
      self.begun = begun
    }

    public var done: Int { count.load(ordering: .relaxed) }

    func advance(by count: Int) {
      self.count.add(count, ordering: .relaxed)
      watcher.advances(self)
    }
  }

  /// Shows people the progress of work. Work may be nested; `advances` is called often, and on any thread.
  public protocol Watcher: AnyObject, Sendable {
    func begins(_ task: Task)
    func advances(_ task: Task)
    func ends(_ task: Task)
  }

  private static let watcher = Mutex<(any Watcher)?>(nil)

  /// Sets the watcher of work that begins from now on; nil for none.
  public static func watch(_ watcher: (any Watcher)?) { self.watcher.withLock { $0 = watcher } }
}
