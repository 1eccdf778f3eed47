import Testing

@testable import Support

@Suite struct FailureCodeTests {
  private static let specific: [Failure.Code] = [
    .notFound, .damagedFile, .invalidJSON, .contextExceeded, .wrongModel, .ranksMissing,
  ]

  @Test("every kind of error has a code, and no two codes are the same")
  func unique() {
    let codes = Failure.Kind.allCases.map(\.code) + Self.specific
    #expect(Set(codes).count == codes.count)
    for code in codes { #expect(code.rawValue.allSatisfy { $0 == "_" || ("a"..."z").contains($0) }, "\(code)") }
  }

  @Test("an error has its own code, or that of its kind")
  func own() {
    #expect(Failure(.badData, "x").code.rawValue == "bad_data")
    #expect(Failure(.badData, "x", code: .wrongModel).code == .wrongModel)
    #expect(throws: Failure.self) { try JSON.parse(Array("{".utf8), at: "a") }
    do { _ = try JSON.parse(Array("{".utf8), at: "a") } catch { #expect((error as? Failure)?.code == .invalidJSON) }
  }

  @Test("programs read an error's code, exit code and texts")
  func encoded() throws {
    let failure = Failure(.inputOutput, "cannot be read", at: "a.json", code: .notFound)
    #expect(
      try JSON.line(failure)
        == #"{"code":"not_found","exit_code":74,"message":"cannot be read","place":"a.json","remedy":null}"#)
  }
}
