import Dialogues
import Support
import Testing

@testable import Datasets

@Suite struct RequestTests {
  private func request(_ row: String, for purpose: Request.Purpose = .measurement) throws -> Request {
    try Request(RowFields(JSON.parse(row.utf8, at: "")), for: purpose)
  }

  private static let user = #"{"role": "user", "content": "p"}"#
  private static let answer = #"{"role": "assistant", "content": "a"}"#

  @Test("prompt and answer are read in every form that rows have", arguments: [
    #"{"prompt": "p", "completion": "a"}"#, #"{"prompt": [\#(user)], "completion": "a"}"#,
    #"{"prompt": [\#(user)], "completion": [\#(answer)]}"#, #"{"prompt": "p", "completion": \#(answer)}"#,
    #"{"messages": [\#(user), \#(answer)]}"#, #"{"messages": [\#(user)], "completion": "a"}"#,
    #"{"conversations": [{"from": "human", "value": "p"}, {"from": "gpt", "value": "a"}]}"#,
    #"{"question": "p", "answer": "a"}"#, #"{"prompt": "\n\nHuman: p\n\nAssistant:", "completion": "a"}"#,
    #"{"prompt": [\#(user)], "completion": [\#(user), \#(answer)]}"#,
  ])
  func forms(row: String) throws {
    let found = try request(row)
    // A text is what the model writes; a message is the template's to render.
    let isText = row.contains(#""completion": "a""#) || row.contains(#""answer": "a""#)
    #expect(found.prompt == Prompt("p"))
    #expect(found.answer == (isText ? .continuation("a") : Turn(.assistant, "a")))
  }

  @Test("system and tools stand beside a request's prompt as beside a row's")
  func context() throws {
    let found = try request(#"{"system": "s", "tools": [{"name": "f"}], "prompt": "p"}"#, for: .generation)
    #expect(found.prompt?.turns == [Turn(.system, "s"), Turn(.user, "p")] && found.prompt?.tools.count == 1)
    let text = try request(#"{"prompt": [{"role": "user", "content": [{"type": "text", "text": "p"}]}]}"#, for: .generation)
    #expect(text.prompt?.turns.map(\.content) == ["p"])
  }

  @Test("what a line says of drawing is read, and a value that is none is refused by name", arguments: [
    ("max_new_tokens", "0", "not in 1"), ("max_new_tokens", "\"8\"", "is a text, not a whole number"), ("max_new_tokens", "1.5", "is 1.5"),
    ("temperature", "-1", "not 0 or above"), ("temperature", "1e300", "is 1e+300"), ("temperature", "true", "is true, not a number"),
    ("top_p", "0", "not in (0, 1]"), ("top_p", "1.1", "not in (0, 1]"), ("top_k", "-1", "not in 0"), ("seed", "-1", "not in 0"),
    ("seed", "1e99", "not a whole number"), ("stop", "1", "\"stop\" is a number, not a text"), ("stop", "[\"a\", 2]", "\"stop\"[1] is a number, not a text"),
    ("best_of", "0", "not in 1…256"), ("best_of", "257", "not in 1…256"),
  ])
  func options(key: String, value: String, what: String) throws {
    let message = failure { try request("{\"prompt\": \"p\", \"\(key)\": \(value)}", for: .generation) }
    #expect(message.contains("\"\(key)") && message.contains(what), "\(message)")
    // Who measures does not draw: the key is named as not used.
    let fields = try RowFields(JSON.parse("{\"prompt\": \"p\", \"\(key)\": \(value)}".utf8, at: ""))
    _ = try Request(fields, for: .measurement)
    #expect(fields.unusedKeys == [key])
    let all = try request(
      #"{"prompt": "p", "max_new_tokens": 3, "temperature": 0.5, "top_k": 2, "top_p": 0.25, "stop": "x", "seed": 9, "best_of": 4}"#,
      for: .generation).options
    #expect(all.maxNewTokens == 3 && all.temperature == 0.5 && all.topK == 2 && all.topP == 0.25)
    #expect(all.stop == ["x"] && all.seed == 9 && all.bestOf == 4)
    #expect(try request(#"{"prompt": "p", "stop": null, "seed": null}"#, for: .generation).options == RequestOptions())
    for seed in [0, 1 << 63, UInt64.max] {
      #expect(try request("{\"prompt\": \"p\", \"seed\": \(seed)}", for: .generation).options.seed == seed)
    }
  }

  @Test("a stop text has something in it")
  func emptyStop() {
    for (stop, name) in [(#""""#, #""stop" is"#), (#"["a", ""]"#, #""stop"[1] is"#)] {
      let message = failure { try request(#"{"prompt": "p", "stop": \#(stop)}"#, for: .generation) }
      #expect(message.contains("\(name) an empty text"), "\(message)")
    }
    #expect(throws: Never.self) { try request(#"{"prompt": "p", "stop": []}"#, for: .generation) }
  }

  @Test("what is drawn from is refused in a line that draws nothing")
  func greedy() {
    for (key, value) in [("top_k", "5"), ("top_p", "0.5")] {
      let line = #"{"prompt": "p", "temperature": 0, "\#(key)": \#(value)}"#
      #expect(failure { try request(line, for: .generation) }.contains("\"\(key)\" has no effect"))
    }
    let all = #"{"prompt": "p", "temperature": 0, "top_k": 0, "top_p": 1}"#
    #expect(throws: Never.self) { try request(all, for: .generation) }
  }

  @Test("a dialogue without a message is said to be empty, and tokens of a prompt may stand beside it")
  func emptyDialogue() throws {
    for key in ["messages", "conversations"] {
      for purpose in [Request.Purpose.generation, .measurement] {
        let message = failure { try request("{\"\(key)\": []}", for: purpose) }
        #expect(message.contains("\"\(key)\" is an empty list"), "\(message)")
      }
      #expect(try request("{\"\(key)\": [], \"prompt_tokens\": [1]}", for: .generation).promptTokens == [1])
    }
  }

  @Test("token ids are whole numbers, and what is not is named by its place")
  func tokens() throws {
    let found = try request(#"{"prompt_tokens": [1, 2.0], "completion_tokens": [3]}"#)
    #expect(found.promptTokens == [1, 2] && found.answerTokens == [3] && found.prompt == nil)
    #expect(failure { try request(#"{"prompt_tokens": [1, 1.5]}"#) }.contains("\"prompt_tokens\"[1] is 1.5, not a token id"))
    #expect(failure { try request(#"{"prompt_tokens": 1}"#) }.contains("not a list of token ids"))
    #expect(failure { try request(#"{"prompt_tokens": [99999999999]}"#) }.contains("not a token id"))
  }

  @Test("a prompt that ends with the assistant, or says two things, is refused")
  func refusals() {
    #expect(failure { try request(#"{"messages": [\#(Self.user), \#(Self.answer)]}"#, for: .generation) }.contains("ends with a turn of the assistant"))
    #expect(failure { try request(#"{"prompt": "x", "messages": [\#(Self.user)]}"#, for: .generation) }.contains("differ"))
    #expect(failure { try request(#"{"prompt": []}"#, for: .generation) }.contains("no turns"))
    #expect(failure { try request(#"{"prompt": null}"#, for: .generation) }.contains("\"prompt\" is null"))
    #expect(failure { try request(#"{"prompt": "p", "images": ["x"]}"#, for: .generation) }.contains("\"images\""))
    #expect(failure { try request("[1]") }.contains("this is a list, not an object"))
  }
}
