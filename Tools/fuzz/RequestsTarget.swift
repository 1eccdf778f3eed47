// The reader of request lines, and the JSON under it.
import Support

@testable import Datasets

/// An input is one line.
struct RequestsTarget: Target {
  static func seeds() -> [[UInt8]] {
    let turns = #"[{"role":"user","content":"p"},{"role":"assistant","content":"a"}]"#
    return [
      #"{"prompt":"p","completion":"a","id":1}"#, #"{"messages":\#(turns),"id":{"z":1.0,"a":"\u00e9"}}"#,
      #"{"prompt_tokens":[1,2.0],"completion_tokens":[3]}"#, #"{"system":"s","tools":"[{}]","question":"q"}"#,
      #"{"prompt":"p","max_new_tokens":3,"temperature":0.5,"top_k":2,"top_p":1,"stop":["x"],"seed":9,"best_of":4}"#,
      #"{"prompt":"\n\nHuman: a\n\nAssistant:","completion":\#(turns),"chat_template_kwargs":{"x":true}}"#,
      #"[null,true,-0,1.5e-3,9223372036854775808,"\ud83d\ude00\b\/\\",{"":[]}]"#, "{'a': None,}",
    ].map { Array($0.utf8) }
  }

  init() {}

  func run(_ input: UnsafeRawBufferPointer) throws {
    let bytes = Array(input)
    let value = try JSON.parse(bytes, at: "line")
    let written = JSON.write(value)
    let copy = try JSON.parse(written, at: "copy")
    require(copy == value, "\(value) came back as \(copy)")
    require(JSON.write(copy) == written, "\(value) is not written alike twice")
    if let id = try JSON.source(of: "id", in: bytes) {
      require(try JSON.parse(bytes[id], at: "id") == value["id"], "\(value) has another id")
    } else {
      require(value["id"] == nil, "the id of \(value) is not found")
    }
    for purpose in [Request.Purpose.generation, .measurement] {
      do {
        let fields = try RowFields(value)
        let request = try Request(fields, for: purpose)
        require(request.prompt.map { !$0.turns.isEmpty } ?? true, "a prompt of no turns")
        _ = fields.unusedKeys
      } catch let failure as Failure {
        require(failure.kind == .badData && !failure.what.isEmpty, "\(failure)")
      }
    }
  }
}
