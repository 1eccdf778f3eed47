import Dialogues
import Support
import Testing

@testable import Tokenizers

/// Which tokens a chat template's text becomes.
@Suite struct TemplateTextTests {
  private let lab = TemplateLab()
  private static let reads = """
    {{- bos_token }}{%- if tools %}{{- tools | tojson + '\\n' }}{%- endif %}{%- if note %}{{- note + '\\n' }}{%- endif %}\
    {%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_' + 'end|>' }}{%- endfor %}
    """

  private func shown(_ prompt: Prompt, _ template: String = reads) throws -> String {
    let tokenizer = try lab.tokenizer(template)
    return tokenizer.shown(try tokenizer.encode(dialogue: prompt))
  }

  @Test("a special token's name is that token where the template writes it, and text in a message")
  func messages() throws {
    #expect(
      try shown(Prompt("a<|im_end|><s>b")) == "⟦<s>⟧⟦<|im_start|>⟧user\na<|im_end|><s>b⟦<|im_end|>⟧")
    #expect(try shown(Prompt("<|im_<|im_end|>")) == "⟦<s>⟧⟦<|im_start|>⟧user\n<|im_<|im_end|>⟦<|im_end|>⟧")
  }

  @Test("in a role, too", arguments: ["<|im_end|>", "user<|im_end|>", "<s>"])
  func roles(role: String) throws {
    #expect(
      try shown(Prompt(turns: [Turn(Speaker(rawValue: role), "a")]))
        == "⟦<s>⟧⟦<|im_start|>⟧\(role)\na⟦<|im_end|>⟧")
  }

  @Test("in tools, their keys, and the template's arguments, too")
  func variables() throws {
    let prompt = Prompt(
      turns: [Turn(.user, "a")], tools: [.object(["<|im_start|>": .string("<|im_end|>")])],
      templateArguments: ["note": .string("<s>"), "bos_token": .string("</s>")])
    // An argument comes before a special token of the same name, and is text.
    let shown = try shown(prompt)
    #expect(
      shown
        == "</s>[{\"<|im_start|>\": \"<|im_end|>\"}]\n<s>\n⟦<|im_start|>⟧user\na⟦<|im_end|>⟧")
  }

  @Test("in the keys of a message, too")
  func keys() throws {
    let turn = Turn(.user, "a", fields: ["<|im_end|>": .object(["<s>": .string("b")])])
    #expect(
      try shown(Prompt(turns: [turn]), "{{ messages[0] | tojson }}<s>")
        == "{\"role\": \"user\", \"content\": \"a\", \"<|im_end|>\": {\"<s>\": \"b\"}}⟦<s>⟧")
  }

  @Test("a name that a message and the template make together is text")
  func acrossBoundary() throws {
    let split = "{%- for m in messages %}{{- '<|im_' + m.content + 'end|>' }}{%- endfor %}"
    #expect(try shown(Prompt("end|>"), split) == "<|im_end|>end|>")
    #expect(try shown(Prompt("x<|im_"), split) == "<|im_x<|im_end|>")
    // Where the message says nothing, all of it is the template's.
    #expect(try shown(Prompt(""), split) == "⟦<|im_end|>⟧")
  }

  @Test("what a message says takes no token from the template, also where a longer name begins with the shorter")
  func longerName() throws {
    var lab = lab
    lab.added = [("<|im_end|>!", [.special])]
    let tokenizer = try lab.tokenizer("{%- for m in messages %}{{- '<|im_end|>' + m.content }}{%- endfor %}")
    #expect(tokenizer.shown(try tokenizer.encode(dialogue: Prompt("!"))) == "⟦<|im_end|>⟧!")
    let other = try lab.tokenizer("{%- for m in messages %}{{- '<|im_end|>!' + m.content }}{%- endfor %}")
    #expect(other.shown(try other.encode(dialogue: Prompt("!"))) == "⟦<|im_end|>!⟧!")
  }

  @Test("an added token that is not special is found wherever it stands, and across the boundary too")
  func added() throws {
    var lab = lab
    lab.added = [("<tool>", []), ("<note>", [.normalized])]
    let tokenizer = try lab.tokenizer(
      "{%- for m in messages %}{{- '<tool><|im_start|><to' + m.content + '<|im_end|>' }}{%- endfor %}")
    #expect(
      tokenizer.shown(try tokenizer.encode(dialogue: Prompt("ol>a<tool><note>")))
        == "⟦<tool>⟧⟦<|im_start|>⟧⟦<tool>⟧a⟦<tool>⟧⟦<note>⟧⟦<|im_end|>⟧")
  }

  @Test("a special token that strips takes white space along on its side, the message's too")
  func strips() throws {
    var lab = lab
    lab.added = [("<left>", [.special, .stripsLeft]), ("<right>", [.special, .stripsRight])]
    let tokenizer = try lab.tokenizer("{%- for m in messages %}{{- m.content + '<left> <right>' + m.content }}{%- endfor %}")
    #expect(tokenizer.shown(try tokenizer.encode(dialogue: Prompt(" a "))) == " a⟦<left>⟧ ⟦<right>⟧a ")
  }

  @Test("the text is encoded as a whole: a merge joins the frame and what is said")
  func merges() throws {
    var lab = lab
    lab.merges = [":(", "ab"]
    let tokenizer = try lab.tokenizer("{%- for m in messages %}{{- 'U:' + m.content + 'b' }}{%- endfor %}")
    #expect(try tokenizer.encode(dialogue: Prompt("(a")) == [0x55, 256, 257])
    // An answer that is a text is encoded by itself.
    #expect(tokenizer.encode(completion: "(") == [0x28, lab.id("<|im_end|>")])
  }

  @Test("every text of a random dialogue comes back, and the special tokens are the template's own")
  func random() throws {
    var lab = lab
    lab.merges = ["<|", "|>", "im", "_e", "nd"]
    let tokenizer = try lab.tokenizer(TemplateLab.chatml)
    var random = RandomStream(seed: 5, purpose: "tests/template text")
    let pieces = ["<|im_start|>", "<|im_end|>", "<|im_", "end|>", "<", "|>", "a", " ", "\n", "é", "<s>"]
    for _ in 0..<200 {
      let turns = (0..<1 + random.below(4)).map { _ in
        Turn(random.pick([.user, .assistant]), (0..<random.below(6)).map { _ in random.pick(pieces) }.joined())
      }
      let shown = try tokenizer.show(Prompt(turns: turns), opensAnswer: true)
      #expect(tokenizer.decodeString(shown.tokens, continuing: true, namingSpecialTokens: true) == shown.text)
      #expect(shown.tokens.count { $0 == lab.id("<|im_start|>") } == turns.count + 1)
      #expect(shown.tokens.count { $0 == lab.id("<|im_end|>") } == turns.count)
      #expect(!shown.tokens.contains(lab.id("<s>")))
    }
  }
}
