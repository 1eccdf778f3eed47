import Support
import TestSupport
import Testing

@testable import Runs

@Suite struct JournalTests {
  private struct Row: Codable, Equatable { var value: Int }

  private func folder(_ temporary: TemporaryFolder) throws -> RunFolder {
    try RunFolder.start(
      at: temporary.path,
      manifest: Manifest(command: [], configuration: [:], seed: 1, host: .init(processor: "x", threads: 1)),
      resume: true)
  }

  @Test("a journal that is opened again has what was appended, without the line that a kill cut")
  func reopened() throws {
    let temporary = TemporaryFolder()
    var journal = try Journal<Row>(folder(temporary), "rows.jsonl")
    #expect(journal.earlier.isEmpty)
    try journal.append(Row(value: 1))
    try journal.append(Row(value: 2))
    let whole = try temporary.read("rows.jsonl")
    #expect(whole == "{\"value\":1}\n{\"value\":2}\n")
    try Files.writeAtomically(Array("\(whole){\"val".utf8), to: "\(temporary.path)/rows.jsonl")
    journal = try Journal<Row>(folder(temporary), "rows.jsonl")
    #expect(journal.earlier == [Row(value: 1), Row(value: 2)])
    try journal.append(Row(value: 3))
    #expect(try temporary.read("rows.jsonl") == "\(whole){\"value\":3}\n")
  }

  @Test("a broken line is named, with what to do")
  func broken() throws {
    let temporary = TemporaryFolder()
    let folder = try folder(temporary)
    try Files.writeAtomically(Array("{\"value\":1}\nx\n".utf8), to: folder.file(RunFile.judgements))
    do {
      _ = try Journal<Row>(folder, RunFile.judgements)
      Issue.record("no error")
    } catch let failure as Failure {
      #expect(failure.place?.hasSuffix("\(RunFile.judgements), line 2") == true, "\(failure)")
      #expect(failure.remedy?.contains("asked for this ranking again") == true, "\(failure)")
    }
  }
}
