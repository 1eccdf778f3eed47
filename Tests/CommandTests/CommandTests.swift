import FoundationEssentials
import Support
import TestSupport
import Testing

@Suite(.serialized) struct CommandTests {
  @Test("Tokens of a text decode to the text; a bad line is named and the others are answered")
  func tokenizes() throws {
    let program = try Program()
    let tokens = try program.run(
      "tokenize", program.base, input: "{\"text\":\"Hé!\"}\n{bad\n{\"text\":\"b\"}\n")
    #expect(tokens.exitCode == 65)
    #expect(tokens.errorText.contains("stdin:2"))
    #expect(try tokens.objects().count == 2)
    let text = try program.run("tokenize", program.base, "--decode", input: tokens.outputText)
    #expect(try text.objects().map { $0["text"]?.string } == ["Hé!", "b"])
  }

  @Test("Generated tokens and log-probabilities are the same on one thread and on two")
  func generates() throws {
    let program = try Program()
    var outputs: [String] = []
    for threads in ["1", "2"] {
      let answers = try program.run(
        "generate", program.base, "--max-new-tokens", "8", "--threads", threads,
        input: "{\"prompt\":\"Hi\"}\n{\"prompt_tokens\":[2,50,3]}\n")
      #expect(answers.exitCode == 0, "\(answers.errorText)")
      let keys = try answers.objects().map { $0.keys.sorted() }
      #expect(keys == Array(repeating: ["completion", "finish", "prompt", "tokens"], count: 2))
      let scores = try program.run(
        "logprobs", program.base, "--threads", threads,
        input: "{\"prompt\":\"Hi\",\"completion\":\"Yes\"}\n")
      #expect(try scores.objects().first?.keys.sorted() == ["logprobs", "sum", "tokens"])
      outputs.append(answers.outputText + scores.outputText)
    }
    #expect(outputs[0] == outputs[1])
  }

  @Test("An unpacked archive is the packed checkpoint, and the archive inspects as it does")
  func packs() throws {
    let program = try Program()
    let (archive, copy) = ("\(program.folder)/a.trlhf.zst", "\(program.folder)/a.trlhf")
    #expect(try program.run("pack", program.base, "-o", archive, "--force").exitCode == 0)
    #expect(try program.run("unpack", archive, "-o", copy, "--force").exitCode == 0)
    #expect(try Files.read(copy) == Files.read(program.base))
    #expect(try program.run("pack", program.base, "-o", archive).exitCode == 73)
    let inspected = try program.run("inspect", copy, "--json", "--verify").objects()
    #expect(inspected.first?["training"]?["kind"]?.string == "base")
  }

  @Test("A missing file, a file of another format and a model of the wrong kind have their exit codes")
  func refuses() throws {
    let program = try Program()
    #expect(try program.run("tokenize", "\(program.folder)/none.trlhf").exitCode == 74)
    #expect(try program.run("inspect", program.binary).exitCode == 65)
    let score = try program.run("score", program.base)
    #expect(score.exitCode == 65)
    #expect(score.errorText.contains("a reward model is needed"))
    let long = String(repeating: "a b ", count: 200)
    let prompt = try program.run("generate", program.base, input: "{\"prompt\":\"\(long)\"}\n")
    #expect(prompt.exitCode == 65)
    #expect(prompt.errorText.contains("stdin:1"))
    #expect(try program.run("pretrain", "-o", "\(program.folder)/base", "--quick").exitCode != 0)
  }

  @Test("numbers below 0 and instruction sets that are not here are refused for what they are")
  func refusesByName() throws {
    let program = try Program()
    let negative = try program.run("generate", program.base, "--temperature", "-1", input: "{}\n")
    #expect(negative.exitCode == 64)
    #expect(negative.errorText.contains("--temperature -1"), "\(negative.errorText)")
    let cost = try program.run("all", "-o", "\(program.folder)/none", "--kl-coef", "-1")
    #expect(cost.exitCode == 64)
    #expect(cost.errorText.contains("--kl-coef -1 is not in 0…"), "\(cost.errorText)")
    let set = try program.run(["selftest"], environment: ["TINYRLHF_ISA": "mmx"])
    #expect(set.exitCode == 64)
    #expect(set.errorText.contains("TINYRLHF_ISA=mmx"), "\(set.errorText)")
  }

  @Test("--json names the file that a command made, and is accepted where output is JSON anyway")
  func json() throws {
    let program = try Program()
    let archive = try program.fresh("json.trlhf.zst")
    let packed = try program.run("pack", program.base, "-o", archive, "--json")
    #expect(packed.exitCode == 0, "\(packed.errorText)")
    #expect(try packed.objects() == [["file": .string(archive)]])
    let codes = try program.fresh("json-int8.trlhf")
    let quantized = try program.run("quantize", program.base, "-o", codes, "--json")
    #expect(try quantized.objects().map { $0["file"] } == [.string(codes)], "\(quantized.errorText)")
    let tokens = try program.run("tokenize", program.base, "--json", input: "{\"text\":\"b\"}\n")
    #expect(try tokens.objects().count == 1)
    for command in ["pretrain", "sft", "reward", "ppo", "eval", "generate", "score", "unpack"] {
      #expect(try program.run(command, "--help").outputText.contains("--json"), "\(command)")
    }
  }
}
