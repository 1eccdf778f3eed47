import Foundation
import Support
import TestSupport
import Testing

@testable import Interchange

/// What people have in the hand where a model is wanted.
@Suite struct ForeignFileTests {
  private let folder = TemporaryFolder()

  private static let beginnings: [(String, [UInt8], String)] = [
    ("m.gguf", Array("GGUF".utf8) + [3, 0, 0, 0], "is a GGUF file"),
    ("model.safetensors", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8), "is a Git LFS pointer"),
    ("model.safetensors", Array("../../blobs/0123abc".utf8), "is the text of a symbolic link"),
    ("pytorch_model.bin", Array("PK\u{3}\u{4}".utf8) + [0, 0] + Array("archive/data.pkl".utf8), "is a pickle of PyTorch"),
    ("old.pt", [0x80, 2, 0x8A, 10], "is a pickle of PyTorch"),
    ("consolidated.00.pth", [1, 2, 3], "is a pickle of PyTorch"),
    ("m.zip", Array("PK\u{3}\u{4}".utf8) + [0, 0] + Array("config.json".utf8), "is an archive"),
    ("m.tar.gz", [0x1F, 0x8B, 8], "is an archive"),
    ("m.tar", [UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8), "is an archive"),
    ("model.onnx", [8, 7], "is an ONNX model"),
    ("tf_model.h5", [0x89, 0x48, 0x44, 0x46], "contains weights of TensorFlow or Flax"),
    ("tokenizer.model", [10, 14], "is a tokenizer of SentencePiece"),
    ("weights.safetensors", [9, 0, 0, 0, 0, 0, 0, 0] + Array("{\"a\":1}  ".utf8), "is a safetensors file"),
  ]

  @Test("a file is named as what it is, in place of a folder and in place of a model", arguments: beginnings.indices)
  func files(index: Int) throws {
    let (name, bytes, what) = Self.beginnings[index]
    try folder.write(bytes, to: name)
    let path = folder.file(name)
    let imported = error { _ = try HuggingFaceModel(folder: path) }
    #expect(imported?.hasPrefix("\(path): \(what)") == true, "\(imported ?? "")")
    let used = ForeignModel.failure(at: path)
    #expect(used?.what.hasPrefix(what) == true && used?.remedy != nil && used?.kind == .badData)
    if name.hasSuffix("pt") || name.hasSuffix("bin") {
      #expect(used?.remedy?.contains("safe_serialization=True") == true)
    }
  }

  @Test("a checkpoint of this program is none of them, and is not imported")
  func checkpoints() throws {
    try folder.write([0x89, 0x54, 0x52, 0x4C, 0x0D, 0x0A, 0x1A, 0x0A, 0], to: "m.bin")
    #expect(ForeignModel.failure(at: folder.file("m.bin")) == nil)
    #expect(
      error { _ = try HuggingFaceModel(folder: folder.file("m.bin")) }
        == "\(folder.file("m.bin")): is a checkpoint of this program already. Use it as it is.")
    // zstd's, which may be an archive of this program.
    try folder.write([0x28, 0xB5, 0x2F, 0xFD], to: "m.zst")
    #expect(ForeignModel.failure(at: folder.file("m.zst")) == nil)
    #expect(ForeignModel.failure(at: folder.file("nothing")) == nil)
  }

  private func make(_ files: [String: String]) throws {
    for (name, text) in files {
      let path = folder.file(name)
      try FileManager.default.createDirectory(
        atPath: Files.folder(of: path), withIntermediateDirectories: true)
      try Files.writeAtomically(Array(text.utf8), to: path)
    }
  }

  private static let kinds: [([String: String], String, String)] = [
    ([:], "", "is an empty folder"),
    (
      ["adapter_config.json": "{\"base_model_name_or_path\":\"org/base\"}", "adapter_model.safetensors": "x"], "",
      "is a LoRA adapter of \"org/base\", not a whole model. Merge it into its base with peft's merge_and_unload()"
    ),
    (["adapter_model.bin": "x", "config.json": "{}"], "", "is a LoRA adapter, not a whole model"),
    (["config.json": "{}", "pytorch_model.bin": "x", "training_args.bin": "x"], "/pytorch_model.bin", "is a pickle of PyTorch"),
    (["config.json": "{}", "pytorch_model.bin.index.json": "{}"], "/pytorch_model.bin.index.json", "is a pickle of PyTorch"),
    (["params.json": "{}", "consolidated.00.pth": "x"], "/consolidated.00.pth", "is a pickle of PyTorch"),
    (["model-q4.gguf": "GGUF"], "/model-q4.gguf", "is a GGUF file"),
    (["config.json": "{}", "onnx/model.onnx": "x"], "/onnx", "is an ONNX model"),
    (["config.json": "{}", "flax_model.msgpack": "x"], "/flax_model.msgpack", "contains weights of TensorFlow or Flax"),
    (["model.zip": "PK\u{3}\u{4}"], "/model.zip", "is an archive"),
    (["tokenizer.model": "x", "README.md": "x"], "/tokenizer.model", "is a tokenizer of SentencePiece"),
    (["refs/main": "h", "snapshots/h/config.json": "{}"], "", "has no config.json, but a folder in it has one. Name "),
    (["models--a--b/snapshots/h/config.json": "{}"], "", "has no config.json, but a folder in it has one. Name "),
    (["notes.txt": "x"], "", "has no config.json. Name the folder of a model in Hugging Face's form."),
  ]

  @Test("a folder is named as what it is", arguments: kinds.indices)
  func folders(index: Int) throws {
    let (files, place, what) = Self.kinds[index]
    try make(files)
    let imported = error { _ = try HuggingFaceModel(folder: folder.path) }
    #expect(imported?.hasPrefix("\(folder.path)\(place): \(what)") == true, "\(imported ?? "")")
    if what.hasSuffix("Name ") { #expect(imported?.hasSuffix("/snapshots/h.") == true) }
  }

  @Test("a folder in place of a model is named as what it is")
  func models() throws {
    func what() -> String? { ForeignModel.failure(at: folder.path).map { "\($0)" } }
    let none = "contains no model and no run. Name a .trlhf, a .trlhf.zst, a run folder, or builtin:base."
    #expect(what() == "\(folder.path): \(none)")
    try make(["notes.txt": "x"])
    #expect(what() == "\(folder.path): \(none)")
    try make(["a.trlhf": "x"])
    #expect(what() == "\(folder.path): is a folder without a run. Name a model in it, \(folder.path)/a.trlhf.")
    try make(["config.json": "{}"])
    #expect(what()?.contains("tinyrlhf import \(folder.path) -o FILE") == true)
  }

  @Test("what Git LFS left in the place of a file is named, whichever file it is")
  func pointers() throws {
    let golden = try Golden("gpt2")
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
      for file in try Files.names(in: golden.path) {
        try folder.write(Files.read("\(golden.path)/\(file)"), to: file)
      }
      try folder.write(pointer, to: name)
      let message = error {
        let model = try HuggingFaceModel(folder: folder.path)
        _ = try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: model.architecture.vocabulary, chat: .test())
      }
      #expect(message?.hasPrefix("\(folder.file(name)): is a Git LFS pointer") == true, "\(message ?? "taken")")
    }
  }

  @Test("a tokenizer of SentencePiece alone is named beside what is missing")
  func sentencePiece() throws {
    try make(["tokenizer.model": "x"])
    #expect(
      error { _ = try HuggingFaceTokenizer.read(folder: folder.path, vocabulary: 9, chat: .test()) }?
        .contains("has tokenizer.model and no tokenizer.json") == true)
  }
}
