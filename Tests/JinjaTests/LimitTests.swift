import Jinja
import Testing

@Suite struct LimitTests {
  private func failure(_ source: String, _ limits: Limits = .init()) -> String {
    do {
      let text = try render(source, limits: limits)
      return "rendered \(text.count) characters"
    } catch { return "\(error)" }
  }

  @Test("a template that runs too long is stopped")
  func steps() {
    let loops = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"
    #expect(failure(loops, Limits(steps: 50_000)).contains("the template takes more than 50000 steps"))
    let sorting = "{{ range(100000) | map('string') | list | sort | length }}"
    #expect(failure(sorting, Limits(steps: 1000)).contains("steps"))
    #expect(failure("{{ [1] * 1000000000 }}").contains("steps"))
    #expect(failure("{{ 'a b ' | replace(' ', 'x') }}", Limits(steps: 20)) == "rendered 4 characters")
  }

  @Test("a text that grows too long is stopped before it is made")
  func output() {
    for source in [
      "{{ 'x' * 1000000000 }}", "{{ 'x'.center(1000000000) }}", "{{ '%1000000000d' % 1 }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{% set ns = namespace(x='xxxx') %}{% for i in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
      "{{ ('x' * 3000).replace('', 'y' * 3000) }}", "{{ ('\n' * 3000) | indent(3000, blank=true) }}",
      "{{ ([1] * 3000) | join('y' * 3000) }}", "{% for i in range(100) %}{{ 'x' * 10000 }}{% endfor %}",
      "{{ [1] | tojson(indent=1000000000) }}",
    ] {
      let failure = failure(source, Limits(output: 500_000))
      #expect(failure.contains("a text is longer than 500000 characters"), "\(source): \(failure)")
    }
    #expect(failure("abcdef", Limits(output: 5)).contains("longer than 5"))
    #expect(failure("abcde", Limits(output: 5)) == "rendered 5 characters")
  }

  @Test("values that share their parts cannot grow a text or a comparison without end")
  func sharing() {
    let build =
      "{% set ns = namespace(x=[1]) %}"
      + "{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
    let limits = Limits(steps: 100_000, output: 50_000)
    #expect(failure(build + "{{ ns.x }}", limits).contains("a text is longer"))
    #expect(failure(build + "{{ ns.x | tojson }}", limits).contains("a text is longer"))
    #expect(failure(build + "{{ ns.x == [ns.x[0], ns.x[1]] }}", limits).contains("steps"))
  }

  @Test("nesting is bounded in expressions, statements, values and calls")
  func depth() {
    func nest(_ open: String, _ middle: String, _ close: String, _ count: Int = 5000) -> String {
      String(repeating: open, count: count) + middle + String(repeating: close, count: count)
    }
    for source in [
      "{{ \(nest("(", "1", ")")) }}", "{{ \(nest("[", "", "]")) }}", "{{ \(nest("{1:", "1", "}")) }}",
      "{{ \(nest("-", "1", "")) }}", "{{ \(nest("not ", "1", "")) }}", "{{ \(nest("x[", "1", "]")) }}",
      "{{ \(nest("1 if 1 else ", "1", "")) }}",
      "{{ 1 \(nest(" if 1", "", "")) }}", "{{ \(nest("f(", "1", ")")) }}",
      nest("{% if 1 %}", "", "{% endif %}", 2000),
      nest("{% for x in y %}", "", "{% endfor %}", 2000),
      "{% set \(nest("(", "a", ")")) = 1 %}",
    ] {
      #expect(failure(source).contains("the template is nested too deeply"), "\(source.prefix(20))")
    }
    for source in [
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
      "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
      "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
      "{% set ns = namespace(g=[1]) %}"
        + "{% for i in range(100) %}{% set ns.g = ns.g | map('string') %}{% endfor %}{{ ns.g | list }}",
    ] {
      #expect(failure(source).contains("the template is nested too deeply"), "\(source)")
    }
    let value =
      "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}"
    #expect(failure(value).contains("a value is nested too deeply"))
  }

  @Test("long chains are no nesting")
  func chains() {
    let sum = String(repeating: "1 + ", count: 5000) + "1"
    #expect(failure("{{ \(sum) }}{{ \(sum) }}") == "rendered 8 characters")
    #expect(failure("{{ 'a'\(String(repeating: " | upper", count: 5000)) }}") == "rendered 1 characters")
    #expect(failure("{{ 'a'\(String(repeating: "[0]", count: 5000)) }}") == "rendered 1 characters")
    let branches = String(repeating: "{% elif 0 %}", count: 500)
    #expect(failure("{% if 0 %}\(branches){% else %}x{% endif %}") == "rendered 1 characters")
  }
}
