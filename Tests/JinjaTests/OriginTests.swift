import Jinja
import Testing

@Suite struct OriginTests {
  /// The rendered text in runs, each as "origin:text", with "*" after the origin of what is generated.
  private func runs(_ source: String, _ variables: [(String, Value)] = data) throws -> [String] {
    try render(source, variables).runs.map { "\($0.origin)\($0.isGeneration ? "*" : ""):\($0.text)" }
  }

  private static let data: [(String, Value)] = [
    ("a", .text(Text(" Ab-ß ", origin: 1))), ("b", .text(Text("xy", origin: 2))),
    ("d", .mapping(Mapping([("k", .text(Text("q\"\n", origin: 3)))]))),
    ("l", .list([.text(Text("one", origin: 4)), .text(Text("two", origin: 5))])),
  ]

  @Test("what the template writes has origin 0, and what the caller gives has its own")
  func plain() throws {
    #expect(try runs("<{{ b }}>{{ 7 }}") == ["0:<", "2:xy", "0:>7"])
    #expect(try runs("{{ b ~ '.' ~ l[0] }}") == ["2:xy", "0:.", "4:one"])
    #expect(try runs("{{ b + l[1] }}") == ["2:xy", "5:two"])
  }

  @Test("scalars keep their origin when a text is cut, stripped, split, joined or replaced")
  func cutting() throws {
    #expect(try runs("{{ (b ~ 'z')[1:] }}") == ["2:y", "0:z"])
    #expect(try runs("{{ a.strip() }}|{{ a | trim }}") == ["1:Ab-ß", "0:|", "1:Ab-ß"])
    #expect(try runs("{{ ('.' ~ a).split('-')[1] }}") == ["1:ß "])
    #expect(try runs("{{ l | join(b) }}") == ["4:one", "2:xy", "5:two"])
    #expect(try runs("{{ a.replace('-', b) }}") == ["1: Ab", "2:xy", "1:ß "])
    #expect(try runs("{{ (b ~ '.')[::-1] }}") == ["0:.", "2:yx"])
    #expect(try runs("{{ b.partition('x')[2] ~ b.center(4) }}") == ["2:y", "0: ", "2:xy", "0: "])
  }

  @Test("scalars keep their origin when their case changes or they become several")
  func cases() throws {
    #expect(try runs("{{ a.upper() }}") == ["1: AB-SS "])
    #expect(try runs("{{ ('.' ~ b) | title }}") == ["0:.", "2:xy"])
    #expect(try runs("{{ (b ~ '<') | e }}") == ["2:xy", "0:&lt;"])
    #expect(try runs("{{ b | urlencode ~ d.k | urlencode }}") == ["2:xy", "3:q%22%0A"])
  }

  @Test("scalars keep their origin in formats, lists that are printed, and JSON")
  func formats() throws {
    #expect(try runs("{{ '%s!' % b }}{{ '<{}>'.format(b) }}") == ["2:xy", "0:!<", "2:xy", "0:>"])
    #expect(try runs("{{ [b] }}") == ["0:['", "2:xy", "0:']"])
    #expect(try runs("{{ d | tojson }}") == ["0:{\"k\": \"", "3:q\\\"\\n", "0:\"}"])
    #expect(try runs("{{ ('a\n' ~ b) | indent(1) }}") == ["0:a\n ", "2:xy"])
  }

  @Test("scalars keep their origin through variables, macros, set blocks, filters and loops")
  func statements() throws {
    #expect(try runs("{% set x %}<{{ b }}{% endset %}{{ x | upper }}") == ["0:<", "2:XY"])
    #expect(try runs("{% macro f(x) %}({{ x }}){% endmacro %}{{ f(b)[1:] }}") == ["2:xy", "0:)"])
    #expect(try runs("{% filter upper %}a{{ b }}{% endfilter %}") == ["0:A", "2:XY"])
    let loops = "{% for x in l %}{{ x }}{% for c in x %}{{ c }}{% endfor %}{% endfor %}"
    #expect(try runs(loops) == ["4:oneone", "5:twotwo"])
    #expect(try runs("{% for k, v in d.items() %}{{ k }}={{ v }}{% endfor %}") == ["0:k=", "3:q\"\n"])
    #expect(try runs("{{ l | map('upper') | list | last }}") == ["5:TWO"])
  }

  @Test("what stands in a generation block is marked, and nothing else is")
  func generation() throws {
    let source = "a{% generation %}b{{ b }}{% endgeneration %}c{{ b }}"
    #expect(try runs(source) == ["0:a", "0*:b", "2*:xy", "0:c", "2:xy"])
    #expect(try Template(source, name: "t").hasGeneration)
    #expect(try !Template("{% if generation %}{% endif %}", name: "t").hasGeneration)
    let macro = "{% macro f() %}{% generation %}b{% endgeneration %}.{% endmacro %}{{ f() | upper }}"
    #expect(try runs(macro) == ["0*:B", "0:."])
  }

  @Test("texts are equal when their scalars are, whatever their origins")
  func equality() throws {
    #expect(Text("ab", origin: 3) == Text("ab"))
    #expect(Set([Text("ab", origin: 3), Text("ab")]).count == 1)
    #expect(try render("{{ b == 'xy' }}{{ 'x' in b }}{{ {b: 1}['xy'] }}", Self.data).string == "TrueTrue1")
    #expect(Text("a", origin: 5000).runs.map(\.origin) == [1023])
  }
}

/// What a template renders.
func render(_ source: String, _ variables: [(String, Value)] = [], limits: Limits = .init()) throws -> Text {
  try Template(source, name: "t").render(variables, limits: limits, date: nil)
}
