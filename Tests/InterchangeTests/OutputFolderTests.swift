import Glibc
import Support
import TestSupport
import Testing

@testable import Interchange

@Suite struct OutputFolderTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.file("out") }

  private func make(_ path: String? = nil, replacing: Bool = true, _ text: String = "new") throws {
    try OutputFolder.make(path ?? self.path, replacing: replacing) { partial in
      for name in ["config.json", "model.safetensors"] {
        try Files.writeAtomically(Array(text.utf8), to: "\(partial)/\(name)")
      }
    }
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try Files.read(folder.file(name)), as: UTF8.self)
  }

  /// A folder of files.
  private func put(_ name: String, _ files: String...) throws {
    mkdir(folder.file(name), 0o755)
    for file in files { try folder.write("theirs", to: "\(name)/\(file)") }
  }

  @Test("what others keep under the names that are free to us stays as it is")
  func strangers() throws {
    try put("out.partial", "thesis.docx")
    try put("out.parts", "thesis.docx")
    try make()
    try make()
    #expect(throws: Failure.self) {
      try OutputFolder.make(path, replacing: true) { _ in throw Failure(.badData, "no") }
    }
    #expect(try Files.names(in: folder.path) == ["out", "out.partial", "out.parts"])
    #expect(try text("out.partial/thesis.docx") == "theirs" && text("out.parts/thesis.docx") == "theirs")
  }

  @Test("two that make the same folder at once do not meet: one is whole, the other refused")
  func atOnce() throws {
    #expect(throws: Failure.self) {
      try OutputFolder.make(path, replacing: true) { partial in
        try Files.writeAtomically([1], to: "\(partial)/config.json")
        try make(replacing: false)
      }
    }
    #expect(try Files.names(in: folder.path) == ["out"])
    #expect(try text("out/config.json") == "new" && text("out/model.safetensors") == "new")
  }

  @Test("a folder is replaced only if it is a model's, and nothing else is in it")
  func replacing() throws {
    func refusal(_ name: String) -> String? {
      let before = try? Files.names(in: folder.file(name))
      defer { #expect((try? Files.names(in: folder.file(name))) == before) }
      do {
        try make(folder.file(name))
        return nil
      } catch { return "\(error)" }
    }
    let remedy = "Name another folder with -o."
    try put("notes", "config.json", "model.safetensors", "notes.txt")
    #expect(
      refusal("notes") == "\(folder.file("notes")): contains notes.txt, which is not a file of a model. \(remedy)")
    try put("train", "train.json")
    #expect(refusal("train")?.contains("contains train.json") == true)
    try put("weightless", "config.json", "vocab.json")
    #expect(refusal("weightless")?.contains("contains files but no model") == true)
    try put("nested", "config.json", "model.safetensors")
    try put("nested/tokenizer.json", "x")
    #expect(refusal("nested")?.contains("contains tokenizer.json") == true)
    try folder.write("theirs", to: "file")
    #expect(refusal("file") == "\(folder.file("file")): exists already and is not a folder. \(remedy)")
    try put("shards", "config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json")
    try make(folder.file("shards"))
    #expect(try Files.names(in: folder.file("shards")) == ["config.json", "model.safetensors"])
    try put("empty")
    try make(folder.file("empty"))
  }

  @Test("a link is refused, and what it leads to stays")
  func links() throws {
    try put("target", "config.json", "model.safetensors")
    symlink("target", path)
    for name in [path, "\(path)/"] {
      #expect(throws: Failure(
        .cannotCreate, "is a symbolic link", at: path, remedy: "Name the folder itself with -o, or another.")
      ) { try make(name) }
    }
    #expect(try Files.names(in: folder.path) == ["out", "target"])
    #expect(try text("target/config.json") == "theirs")
  }

  @Test("without a call that exchanges two folders, steps do, and go back where one fails")
  func steps() throws {
    try put("a", "new")
    try put("b", "old")
    #expect(OutputFolder.exchangeInSteps(folder.file("a"), with: folder.file("b")))
    #expect(try Files.names(in: folder.file("a")) == ["old"] && Files.names(in: folder.file("b")) == ["new"])
    #expect(!OutputFolder.exchangeInSteps(folder.file("none"), with: folder.file("b")))
    #expect(try Files.names(in: folder.path) == ["a", "b"])
    #expect(try Files.names(in: folder.file("b")) == ["new"])
  }
}
