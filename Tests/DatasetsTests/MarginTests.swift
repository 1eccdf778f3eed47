import Dialogues
import Support
import Testing

@testable import Datasets

@Test("a margin that scores could not differ by is refused by name, whatever the format", arguments: [
  #"{"prompt":"p","chosen":"a","rejected":"b","margin":MARGIN}"#,
  #"{"prompt":"p","completions":["a","b"],"ranks":[1,2],"margin":MARGIN}"#,
])
func margins(row: String) throws {
  func comparison(_ margin: String) throws -> Comparison {
    try read(row.replacing("MARGIN", with: margin) + "\n", for: .comparisons).records[0]
  }
  for margin in ["0", "-0.5", "1000000", "5e-324"] { #expect(try comparison(margin).margin == Double(margin)) }
  for margin in ["1e300", "-1e300", "1000001", "9223372036854775807", "18446744073709551615"] {
    let failure = #expect(throws: Failure.self) { try comparison(margin) }
    #expect(failure?.kind == .badData && failure?.what.contains("\"margin\" is ") == true)
  }
}

@Test("ranks, seconds and names of any size are read")
func rankedNumbers() throws {
  let row =
    #"{"prompt":"p","completions":["a","b"],"ranks":[1,9223372036854775807],"seconds":1e300,"#
    + #""labeler":18446744073709551615}"#
  let comparison = try read(row + "\n", for: .comparisons).records[0] as Comparison
  #expect(comparison.ranks == [1, .max] && comparison.seconds == 1e300)
  #expect(comparison.labeler == "18446744073709551615" && comparison.best == "a")
}
