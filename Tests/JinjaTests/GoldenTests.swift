import Foundation
import Jinja
import Support
import Testing

@Suite struct GoldenTests {
  @Test("every snippet renders as transformers renders it, and raises where that raises")
  func snippets() throws {
    let file = Bundle.module.resourceURL!.appendingPathComponent("Goldens/snippets.json")
    let golden = try #require(JSONValues.read(Array(Data(contentsOf: file))).mapping)
    let variables = try #require(golden["variables"]?.mapping)
    let now = try #require(golden["date"]?.items).map { value in
      if case .integer(let number) = value { number } else { 0 }
    }
    let date = CalendarDate(
      year: now[0], month: now[1], day: now[2], hour: now[3], minute: now[4], second: now[5])
    for snippet in try #require(golden["snippets"]?.items) {
      let source = try #require(snippet.mapping?["template"]?.string)
      let expected = snippet.mapping?["output"]?.string
      do {
        let text = try Template(source, name: "snippet").render(variables, date: date)
        #expect(text.string == expected, "\(source)")
      } catch let failure as Failure {
        #expect(expected == nil, "\(source): \(failure)")
        #expect(failure.kind == .badData && failure.place?.hasPrefix("snippet:") == true)
      }
    }
  }
}
