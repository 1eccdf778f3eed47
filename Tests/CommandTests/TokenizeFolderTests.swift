import Support
import TestSupport
import Testing

/// Three characters and a merge, in Hugging Face's form.
private let tokenizer = """
  {"added_tokens":[{"id":4,"content":"<|end|>","special":true}],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel",
  "add_prefix_space":false,"use_regex":true},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE",
  "vocab":{"a":0,"b":1,"Ġ":2,"ab":3},"merges":["a b"]}}
  """

@Suite struct TokenizeFolderTests {
  private let program: Program

  init() throws { program = try Program() }

  @Test("tokenize takes a tokenizer.json, or its folder, in the place of a model")
  func folder() throws {
    let folder = try program.fresh("hugging")
    _ = try ChildProcess.run("mkdir", [folder])
    let path = try program.write(tokenizer, to: "hugging/tokenizer.json")
    for name in [folder, path] {
      let result = try program.run(
        "tokenize", name, input: "{\"text\":\"ab a<|end|>\"}\n{\"text\":\"ab b\"}\n")
      // What stands for no token, as "<" here, is left out, and a special token's name is text.
      #expect(result.outputText == "{\"tokens\":[3,2,0]}\n{\"tokens\":[3,2,1]}\n")
      #expect(result.exitCode == 0)
    }
    let text = try program.run("tokenize", folder, "--decode", input: "{\"tokens\":[3,2,4,0]}\n")
    #expect(text.outputText == "{\"text\":\"ab a\"}\n")
  }

  @Test("what is wrong with a tokenizer.json is said in one line, and the exit code is 65")
  func refusal() throws {
    let folder = try program.fresh("refused")
    _ = try ChildProcess.run("mkdir", [folder])
    let path = try program.write(
      tokenizer.replacing("\"BPE\"", with: "\"WordPiece\""), to: "refused/tokenizer.json")
    let result = try program.run("tokenize", folder)
    #expect(result.exitCode == 65)
    #expect(
      result.errorText.contains(
        "\(path): the tokenizer's model is WordPiece, but only BPE is supported. "
          + "Such a tokenizer cannot be imported."))
  }

  @Test("--rate says on standard error how fast text was encoded")
  func rate() throws {
    let result = try program.run("tokenize", program.base, "--rate", input: "{\"text\":\"aaaa\"}\n")
    #expect(result.errorText.hasPrefix("Encoded 4 bytes to "))
    #expect(result.errorText.hasSuffix(" MB/s.\n"))
  }
}
