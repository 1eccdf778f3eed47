import Dialogues
import Support
import TestSupport
import Testing

@testable import Datasets

@Suite struct RankingsTests {
  private func rankings(_ text: String) throws -> [Comparison] {
    let temporary = TemporaryFolder()
    let path = "\(temporary.path)/rankings.jsonl"
    try Files.writeAtomically(Array(text.utf8), to: path)
    return try readRankings(path)
  }

  @Test("rankings are read as they are, ties too; lines that nobody has ranked yet are left out")
  func reads() throws {
    let found = try rankings(
      """
      {"prompt":"a","completions":["x","y"],"ranks":[1,1]}

      {"prompt":"b","completions":["x","y"]}
      {"prompt":"c","completions":["x","y"],"ranks":null}
      {"prompt":"d","completions":["x","x"],"ranks":[2,1],"labeler":"Ann","seconds":3}

      """)
    #expect(found.map(\.prompt) == [Prompt("a"), Prompt("d")])
    #expect(found.map(\.ranks) == [[1, 1], [2, 1]])
    #expect(found[1].labeler == "Ann" && found[1].seconds == 3)
  }

  @Test("a line that cannot be read is named", arguments: [
    (#"{"prompt":"a","completions":["x","y"],"ranks":[1]}"#, "2 answers and 1 ranks"),
    (#"{"prompt":"a","completions":["x","y"],"ranks":[1,0]}"#, "a rank is 0"),
    (#"{"prompt":"a","completions":["x","y"],"ranks":"1"}"#, "ranks"), ("[]", "not an object"), ("{", "this is not JSON"),
  ])
  func refuses(_ line: String, _ reason: String) throws {
    do {
      _ = try rankings("{\"prompt\":\"a\",\"completions\":[\"x\",\"y\"],\"ranks\":[1,2]}\n\(line)\n")
      Issue.record("no error")
    } catch let failure as Failure {
      #expect(failure.place?.hasSuffix("rankings.jsonl:2") == true && failure.what.contains(reason), "\(failure)")
    }
  }
}
