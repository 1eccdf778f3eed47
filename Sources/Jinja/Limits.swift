import Support

extension Failure.Code {
  /// A chat template that takes more than the limits of a rendering.
  public static let templateLimit = Failure.Code(rawValue: "template_limit")
}

/// Limits for a rendering.
public struct Limits: Sendable {
  /// Number of evaluations; work on long lists and texts counts as several.
  public var steps: Int
  /// Number of scalars in the rendered text, and in every intermediate text.
  public var output: Int
  /// Nesting of macros and recursive loops, and of lists.
  public var depth: Int

  public init(steps: Int = 2_000_000, output: Int = 4_000_000, depth: Int = 64) {
    (self.steps, self.output, self.depth) = (steps, output, depth)
  }
}

/// The date and time for `strftime_now`; the renderer has no clock.
public struct CalendarDate: Sendable, Equatable {
  public var year: Int, month: Int, day: Int
  public var hour: Int, minute: Int, second: Int

  public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }
}
