import Synchronization

/// A piece of work that may last: it says how far it is, and whoever shows that to people watches.
///
///     let work = Work("packing", of: bytes)
///     defer { work.end() }
///     for piece in pieces { …; work.advance(by: piece.count) }
///
/// Without a watcher it costs nothing, and allocates nothing. Any thread may advance it.
public struct Work: Sendable {
  private let task: Task?

  /// - Parameters:
  ///   - name: what is done, as people read it: "packing".
  ///   - total: of what it is counted in; 0 where nobody knows.
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

  /// Must be called once, whatever comes of the work.
  public func end() {
    if let task { task.watcher.ends(task) }
  }

  /// What a watcher sees of a piece of work.
  public final class Task: Sendable {
    public let name: String
    public let total: Int
    /// By `Clock.monotonic`.
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

  /// Who shows people how far work is. Work begins and ends within other work; it advances on any thread, often.
  public protocol Watcher: AnyObject, Sendable {
    func begins(_ task: Task)
    func advances(_ task: Task)
    func ends(_ task: Task)
  }

  private static let watcher = Mutex<(any Watcher)?>(nil)

  /// From now on `watcher` is told of work that begins; nil for nobody.
  public static func watch(_ watcher: (any Watcher)?) { self.watcher.withLock { $0 = watcher } }
}
