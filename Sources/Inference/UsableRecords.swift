import Support

/// Says how many records can be used: nothing is left out silently.
/// - Parameters:
///   - what: the records and what they should do: "prompts fit the context".
///   - place: their file.
///   - note: says something to people.
/// - Throws: `Failure(.badData)` when none can.
package func requireUsable(
  _ usable: Int, of count: Int, _ what: String, at place: String?, remedy: String,
  note: (String) -> Void
) throws {
  guard usable > 0 else {
    throw Failure(.badData, "none of \(count) \(what)", at: place, remedy: remedy)
  }
  guard usable < count else { return }
  note((place.map { "\($0): " } ?? "") + "\(usable) of \(count) \(what); the others are left out")
}
