import Support
import Testing

@Test("pieces come back in order, whatever the number of threads", arguments: [1, 2, 3, 8])
func piecesInOrder(threads: Int) throws {
  for count in [0, 1, 2, 7, 100] {
    let squares = try Parallel.map(count, threads: threads) { $0 * $0 }
    #expect(squares == (0..<count).map { $0 * $0 })
  }
}

@Test("of several pieces that fail, the first by number is named", arguments: [1, 2, 3, 8])
func firstFailure(threads: Int) {
  #expect {
    try Parallel.forEach(50, threads: threads) { piece in
      if piece >= 13 { throw Failure(.failed, "\(piece)") }
    }
  } throws: {
    ($0 as? Failure)?.what == "13"
  }
}
