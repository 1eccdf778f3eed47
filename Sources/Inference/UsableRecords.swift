import Support

/// Prints how many records can be used, so that none are left out silently.
/// - Parameters:
///   - what: the records and the condition: "prompts fit the context".
///   - place: the file of the records.
///   - note: prints a message for people.
/// - Throws: `Failure(.badData)` if no record can be used.
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
