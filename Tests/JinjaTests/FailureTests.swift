import Jinja
import Support
import Testing

@Suite struct FailureTests {
  @Test("a syntax error says what is wrong, with line and column")
  func syntax() {
    #expect(failure("a\n{{ 1 + }}") == "t:2:8: an expression is expected, and '}}' stands here")
    #expect(failure("{% if x %}\n\n{{ x }}") == "t:1:4: 'elif' or 'else' or 'endif' of this 'if' is missing")
    #expect(failure("é{{ 'open }}") == "t:1:5: the end of this string is missing")
    #expect(failure("\r\n\r{# open") == "t:3:1: the end of this comment is missing")
    #expect(failure("{% raw %}") == "t:1:1: the end of this raw block is missing")
    #expect(failure("{{ x") == "t:1:1: the end of this tag is missing")
    #expect(failure("{{ (1] }}") == "t:1:6: nothing opens what ']' closes")
    #expect(failure("{{ a ? b }}") == "t:1:6: there is no use for the character '?' here")
    #expect(failure("{% endif %}") == "t:1:4: there is no statement 'endif'")
  }

  @Test("what the renderer does not know is refused by name before anything is rendered")
  func unknown() {
    #expect(refusal("{% include 'x' %}") == "t:1:4: the statement 'include' is not supported")
    #expect(refusal("{% trans %}") == "t:1:4: there is no statement 'trans'")
    #expect(refusal("{{ 1 | nope }}") == "t:1:8: there is no filter 'nope'")
    #expect(refusal("{{ 1 | pprint }}") == "t:1:8: the filter 'pprint' is not supported")
    #expect(refusal("{{ 1 is nope }}") == "t:1:9: there is no test 'nope'")
    #expect(refusal("{{ nope(1) }}") == "t:1:4: the function 'nope' does not exist")
    #expect(refusal("{{ lipsum() }}") == "t:1:4: the function 'lipsum' is not supported")
    #expect(refusal("{{ x.encode() }}") == "t:1:6: the method 'encode' is not known")
    #expect(refusal("{% break %}") == "t:1:4: 'break' stands outside a loop")
  }

  @Test("a filter that does not exist may stand in a condition that nothing reaches, as in jinja2")
  func conditional() throws {
    #expect(refusal("{% if x %}{{ 1 | nope }}{% endif %}") == nil)
    #expect(try render("{% if x %}{{ 1 | nope }}{% endif %}.").string == ".")
    let reached = "{% if not x %}{{ 1 | nope }}{% endif %}"
    #expect(failure(reached) == "t:1:22: there is no filter 'nope'")
    #expect(refusal("{% if x %}{{ 1 | pprint }}{% endif %}") != nil)
    #expect(refusal("{% if f is defined %}{{ f() }}{% endif %}") == nil)
  }

  @Test("what Python would raise is an error at its place")
  func raised() {
    #expect(failure("{{ x.y }}") == "t:1:6: 'x' is undefined")
    #expect(failure("{{ {}.a.b }}") == "t:1:9: 'dict object' has no attribute 'a'")
    #expect(failure("{{ 1 +\n 'a' }}") == "t:1:6: '+' has no meaning between a int and a str")
    #expect(failure("{{ 1 // 0 }}") == "t:1:6: a number is divided by zero")
    #expect(failure("{{ 9223372036854775807 + 1 }}") == "t:1:24: the number is too large")
    #expect(
      failure("{{ [].append(1) }}")
        == "t:1:13: access to 'append' of a value of type list is not allowed")
    #expect(
      failure("{% for a, b in [[1]] %}{% endfor %}")
        == "t:1:8: 1 values cannot be assigned to 2 names")
    #expect(failure("{{ [1, 'a'] | sort }}") == "t:1:15: '<' has no meaning between a str and a int")
  }

  @Test("what the template itself objects to comes through")
  func objection() {
    #expect(
      failure("{{ raise_exception('roles must ' ~ 'alternate') }}")
        == "t:1:19: the chat template says: roles must alternate")
    #expect(
      failure("{{ strftime_now('%Y') }}")
        == "t:1:16: the template asks for the date, and none is given")
  }

  @Test("the date is the caller's")
  func date() throws {
    let template = try Template("{{ strftime_now('%d %b %Y, %-I %p') }}", name: "t")
    let date = CalendarDate(year: 2024, month: 2, day: 29, hour: 13)
    #expect(try template.render([], date: date).string == "29 Feb 2024, 1 PM")
    let unknown = try Template("{{ strftime_now('%Q') }}", name: "t")
    #expect(throws: Failure.self) { try unknown.render([], date: date) }
    let wrong = CalendarDate(year: 1, month: 13, day: 1)
    #expect(throws: Failure.self) { try template.render([], date: wrong) }
  }

  @Test("the names that a template reads are known")
  func names() throws {
    let template = try Template(
      """
      {% set own = 1 %}{% for m in messages %}{{ m.role ~ m['content'] ~ own ~ loop.index }}{% endfor %}
      {% if tools is defined and 'thinking' in m %}
      {{ tools | map(attribute='function.name') | list }}{% endif %}
      {% macro f(p) %}{{ p.get('id') ~ bos_token }}{% endmacro %}{{ raise_exception(f(own)) if stop }}
      """, name: "t")
    #expect(template.variables == ["messages", "tools", "m", "bos_token", "stop"])
    #expect(
      template.attributes == ["role", "content", "index", "thinking", "function", "name", "get", "id"])
  }

  /// What is thrown when the template is made.
  private func refusal(_ source: String) -> String? {
    do {
      _ = try Template(source, name: "t")
      return nil
    } catch { return "\(error)" }
  }

  private func failure(_ source: String) -> String? {
    do {
      _ = try render(source)
      return nil
    } catch let failure as Failure {
      #expect(failure.kind == .badData)
      return failure.description
    } catch { return "not a Failure: \(error)" }
  }
}
