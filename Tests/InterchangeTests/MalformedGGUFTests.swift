import TestSupport
import Testing

@testable import Interchange

/// What is wrong with a GGUF file has an error of its own each, with the byte, the key or the tensor; and a file that
/// claims much takes no memory and no time.
@Suite struct MalformedGGUFTests {
  private static let damaged = "Copy the GGUF file again; it is damaged."

  private func refusal(_ change: (inout RawGGUF) -> Void) -> String? {
    var file = RawGGUF.llama
    change(&file)
    return refusal(file.bytes())
  }

  /// Without the file's name.
  private func refusal(_ bytes: [UInt8]) -> String? {
    error { _ = try GGUFModel(RawGGUF.archive(bytes)) }.map { String($0.dropFirst("x.gguf".count)) }
  }

  @Test("a sound file is read, of version 2 and 3, with any alignment")
  func sound() throws {
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.version = 2 } == nil)
    for alignment in [1, 8, 64, 4096] {
      #expect(
        refusal {
          $0.alignment = alignment
          $0["general.alignment"] = .uint32(alignment)
        } == nil)
    }
    let tensor = try #require(try RawGGUF.llama.archive().tensor("blk.0.ffn_down.weight"))
    #expect(tensor.dims == [8, 6] && tensor.bytes.count == 192 && tensor.typeName == "F32")
  }

  @Test("a file of another kind, version or byte order, and a part of a model")
  func kinds() {
    #expect(refusal { $0.magic = Array("GGML".utf8) } == ", byte 0: it does not begin with GGUF. Name a GGUF file.")
    #expect(refusal { $0.version = 1 }?.hasPrefix(": is a GGUF file of version 1, but only versions 2 and 3 are supported.") == true)
    #expect(refusal { $0.version = 4 }?.hasPrefix(": is a GGUF file of version 4,") == true)
    #expect(
      refusal { $0.version = UInt32(3).byteSwapped }?
        .hasPrefix(": is a big-endian GGUF file, but only little-endian files are supported. Convert it with gguf_convert_endian") == true)
    #expect(
      refusal { $0["split.count"] = .uint32(3) }
        == ", key \"split.count\": the file is one of 3 parts of a model. "
        + "Join them with llama.cpp: `llama-gguf-split --merge FIRST-PART WHOLE`.")
    #expect(refusal { $0["split.count"] = .uint32(1) } == nil)
    for kind in ["adapter", "mmproj"] {
      #expect(
        refusal { $0["general.type"] = .text(kind) }?
          .contains("the file contains \"\(kind)\", not a model") == true)
    }
    #expect(
      refusal { $0["general.architecture"] = .text("falcon") }
        == ", key \"general.architecture\": the architecture \"falcon\" is unknown. "
        + "Supported: gpt2, gptneox, llama, qwen2, qwen3, smollm3, olmo2, granite, gemma2, gemma3, phi3.")
  }

  @Test("a file that ends anywhere in its header is damaged there, and nothing else")
  func truncated() {
    let bytes = RawGGUF.llama.bytes()
    let head = RawGGUF.llama.head.count
    for end in Array(1..<64) + Array(stride(from: 64, to: head, by: 37)) + [head - 1, head, bytes.count - 32] {
      let message = refusal(Array(bytes[..<end]))
      #expect(message?.hasSuffix(Self.damaged) == true || message?.hasSuffix("Name a GGUF file.") == true, "\(end): \(message ?? "taken")")
    }
  }

  @Test("counts, lengths and dims beyond the file are refused before anything is made for them")
  func counts() {
    let size = RawGGUF.llama.bytes().count
    func refused(_ part: String, _ change: (inout RawGGUF) -> Void) {
      let message = refusal(change)
      #expect(message?.contains(part) == true, "\(part): \(message ?? "taken")")
    }
    refused("the number of tensors is 18446744073709551615, but the file has only \(size - 16) bytes left") { $0.tensorCount = .max }
    refused("the number of keys is 9223372036854775807, but the file has") { $0.keyCount = UInt64(Int64.max) }
    let huge = RawGGUF.bytes(UInt64(1) << 60)
    refused("the length of \"x\" is 1152921504606846976, but the file has") { $0["x"] = .raw(8, huge) }
    for kind in [UInt32](0...12) where kind != 9 {
      refused("the length of the list \"x\" is 1152921504606846976") { $0["x"] = .raw(9, RawGGUF.bytes(kind) + huge) }
    }
    refused("\"x\" is a list of lists") { $0["x"] = .raw(9, RawGGUF.bytes(UInt32(9)) + RawGGUF.bytes(UInt64(1))) }
    refused("the type of \"x\" is 13; the range is 0 to 12") { $0["x"] = .raw(13, [0]) }
    refused("the value of \"x\" is 2, not 0 or 1") { $0["x"] = .bool(2) }
    refused("a key is empty, or not UTF-8") { $0[""] = .uint32(1) }
    refused("the length of a key is 1025; the limit is 1024") { $0[String(repeating: "k", count: 1025)] = .uint32(1) }
    refused("has 5 dims; the range is 1 to 4") { $0.tensors[0].dims = [1, 1, 1, 1, 1] }
    refused("has 0 dims; the range is 1 to 4") { $0.tensors[0].dims = [] }
    refused("its dims are [8, 0]") { $0.tensors[0].dims = [8, 0] }
    refused("its dims are [18446744073709551615]") { $0.tensors[0].dims = [.max] }
    refused("are too large") { $0.tensors[0].dims = [1 << 40, 1 << 40] }
    refused("are too large") { $0.tensors[0].dims = [1 << 62] }
    refused("its rows have 8 elements, but Q4_K stores blocks of 256") { $0.tensors[0].type = 12 }
    refused("it ends beyond the file") { $0.tensors[0].dims = [8, 1 << 20] }
    refused("it ends beyond the file") { $0.tensors[0].offset = 1 << 40 }
    refused("it ends beyond the file") { $0.tensors[0].offset = UInt64.max - 31 }
  }

  @Test("a key or a tensor that stands twice, offsets that are not aligned and tensors that overlap")
  func directory() {
    #expect(refusal { $0.keys.append(("general.architecture", .text("llama"))) }?
      .hasSuffix("the key \"general.architecture\" appears twice. \(Self.damaged)") == true)
    #expect(refusal { $0.tensors[1].name = "token_embd.weight" } == ": the tensor \"token_embd.weight\" appears twice. \(Self.damaged)")
    #expect(refusal { $0.tensors[0].offset = 4 }?.contains("its offset is 4, which is not a multiple of 32") == true)
    #expect(refusal { $0.tensors[1].offset = 32 }?.contains("before the tensor \"token_embd.weight\" ends at") == true)
    for alignment in [0, 3, 1 << 21] {
      #expect(refusal { $0["general.alignment"] = .uint32(alignment) }?.contains("the alignment is \(alignment), which is not a power of two") == true)
    }
  }

  @Test("an architecture that the file has no room for is refused before its tensors are listed")
  func claims() {
    #expect(refusal { $0["llama.block_count"] = .uint32(1 << 24) }?.contains("the metadata needs more than the 11 tensors") == true)
    #expect(refusal { $0["llama.feed_forward_length"] = .uint32(1 << 24) }?.contains("the metadata needs more than") == true)
    // Few elements, but more rows of queries than the file has bytes.
    let manyRows = refusal {
      $0["llama.attention.head_count"] = .uint32(1 << 13)
      $0["llama.attention.key_length"] = .uint32(4)
      $0["llama.attention.value_length"] = .uint32(4)
    }
    #expect(manyRows?.contains("the metadata needs more than") == true, "\(manyRows ?? "read")")
  }

  @Test("a missing tensor, one of another shape and one too many are named")
  func tensors() {
    let remedy = "Copy the file again; its metadata and its tensors do not belong to the same model."
    #expect(refusal { $0.tensors.remove(at: 5) } == ": the tensor \"blk.0.attn_v.weight\" [4, 8] is missing. \(remedy)")
    #expect(
      refusal { $0["llama.feed_forward_length"] = .uint32(5) }?
        .contains("tensor \"blk.0.ffn_gate.weight\": its shape is [6, 8], but the metadata says [5, 8]. \(remedy)") == true)
    #expect(
      refusal { $0.tensors.append(.init(name: "blk.0.extra", dims: [1], type: 0, data: [0, 0, 0, 0])) }
        == ", tensor \"blk.0.extra\": it belongs to no part of a LlamaForCausalLM with this metadata. \(remedy)")
  }
}
