// The renderer of chat templates: a template from outside, and small variables.
import Support

@testable import Jinja

/// An input is the source of a template.
struct JinjaTarget: Target {
  private let limits = Limits(steps: 20_000, output: 50_000, depth: 32)
  private let date = CalendarDate(year: 2026, month: 3, day: 7, hour: 15, minute: 4, second: 9)
  private let variables: Mapping

  init() {
    func text(_ string: String) -> Value { .text(Text(string, origin: 1)) }
    let turns = [("user", " Hi é "), ("assistant", "<think>a</think>b")].map { role, content in
      Value.mapping(Mapping([("role", text(role)), ("content", text(content)), ("n", .integer(2))]))
    }
    variables = Mapping([
      ("m", .list(turns)), ("s", text("a,b \"ß\"\n")), ("x", .float(2.5)),
      ("l", .list([.integer(3), .none, .bool(true)])),
      ("d", .mapping(Mapping([("a", .integer(1)), ("b", .list([text("x")]))]))),
    ])
  }

  static func seeds() -> [[UInt8]] {
    [
      "{% for a in m %}{{ a.role ~ a['content'] | trim }}{{ loop.index }}{% endfor %}\n",
      "{%- set n = namespace(v=0) -%}{% for i in range(3) if i %}{% set n.v = i %}{% endfor %}{{ n.v }}",
      "{% macro f(a, b=2) %}{{ a }}{{ varargs }}{{ caller() }}{% endmacro %}{% call f(1) %}x{% endcall %}",
      "{% for k in m recursive %}{% if not loop.first %}{{ loop(m[:1]) }}{% endif %}{% else %}e{% endfor %}",
      "{% if x is number and 'a' in s %}{{ s.split(',')[-1].upper() }}{% elif d.b %}{% else %}{% endif %}",
      "{{ d | tojson(indent=2) }}{{ m | map(attribute='role') | join(', ') }}{{ l[::-1] }}",
      "{{ '%05.2f|%s' % (x, s) }}{{ '{:>8,}{0!r}'.format(12345) }}{{ x | round(1, 'floor') }}",
      "{% filter indent(2) %}{% generation %}{{ s }}{% endgeneration %}{% endfilter %}{# c #}",
      "{% raw %}{{ }}{% endraw %}{% for c in s %}{% if c == 'b' %}{% break %}{% endif %}{{ c }}{% endfor %}",
      "{{ l | select | list }}{{ m | groupby('role') }}{{ m | selectattr('n', 'eq', 2) | list | length }}",
      "{% with a, b = (1, [2]) %}{{ a ** 3 // 2 % 5 - -b[0] }}{% endwith %}{{ strftime_now('%d %b %Y') }}",
      "{{ s.replace('a', 'bb').center(20, '*').title() }}{{ s.partition(',') }}{{ s | e | truncate(3) }}",
      "{% set x %}{{ 1_0.5e1 }}{{ 0x1F }}{{ 'a\\x41\\n' \"b\" }}{% endset %}{{ x }}{{ raise_exception(s) }}",
    ].map { Array($0.utf8) }
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    let source = String(decoding: input, as: UTF8.self)
    do {
      let template = try Jinja.Template(source, name: "t", limits: limits)
      let text = try template.render(variables, limits: limits, date: date)
      require(text.count <= limits.output, "\(text.count) characters")
      let runs = text.runs
      require(runs.map(\.text).joined() == text.string, "the runs are not the text")
      require(runs.allSatisfy { $0.origin < 2 && (!$0.isGeneration || template.hasGeneration) }, "\(runs)")
      let second = try template.render(variables, limits: limits, date: date)
      require(second == text, "another text the second time")
    } catch let failure as Failure {
      require(failure.kind == .badData && failure.place?.hasPrefix("t:") == true, "no place: \(failure)")
      throw failure
    }
  }
}
