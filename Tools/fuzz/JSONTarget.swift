// The reader of JSON beside Python's: both accept the same texts, and read the same values.
import Glibc
import Support

/// An input is a text. `second_opinion.py` says in what tinyrlhf is the stricter of the two.
final class JSONTarget: Target {
  private var question: Int32 = -1
  private var answer: Int32 = -1

  static func seeds() -> [[UInt8]] {
    [
      #"{"prompt":"p","a":[1,2.5,-0,1e3,true,false,null],"b":{"c":"\u00e9\ud83d\ude00\n"}}"#,
      #"[[[[]]],{"":{}},"é😀",0.1,123456789012345678901234567890,9223372036854775807]"#, " \t\r\n1 ", "\u{FEFF}{}",
      #"{"a":1,"a":2}"#, #""\ud800""#, "NaN", "-Infinity", "1e400", "01", "[1,]", "{} {}", "\"\u{1}\"", "'a'", "1.", "-",
      String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
    ].map { Array($0.utf8) }
  }

  /// Starts Python with a pipe to it and one back.
  init() throws {
    let script = ProcessEnvironment.variable("TINYRLHF_SECOND_OPINION") ?? "Tools/fuzz/second_opinion.py"
    var (there, back) = ([Int32](repeating: 0, count: 2), [Int32](repeating: 0, count: 2))
    require(pipe(&there) == 0 && pipe(&back) == 0, "no pipe")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, there[0], 0)
    posix_spawn_file_actions_adddup2(&actions, back[1], 1)
    for end in [there[1], back[0]] { posix_spawn_file_actions_addclose(&actions, end) }
    var child: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("python3"), strdup("-S"), strdup(script), nil]
    require(posix_spawnp(&child, "python3", &actions, nil, &arguments, environ) == 0, "python3 cannot be started")
    arguments.forEach { free($0) }
    (question, answer) = (there[1], back[0])
    close(there[0])
    close(back[1])
    // Python takes its time to start.
    require(ask([], []) == UInt8(ascii: "="), "Python takes nothing for JSON")
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    let bytes = Array(input)
    let value = Result { try JSON.parse(bytes, at: "text") }
    let written = (try? value.get()).map { JSON.write($0) } ?? []
    switch ask(bytes, written) {
    case UInt8(ascii: "="): _ = try value.get()
    case UInt8(ascii: "a"): fatalError("Python accepts what is refused: \(value)")
    case UInt8(ascii: "r"): fatalError("Python refuses what is read as \(String(decoding: written, as: UTF8.self))")
    default: fatalError("Python reads another value than \(String(decoding: written, as: UTF8.self))")
    }
  }

  private func ask(_ text: [UInt8], _ written: [UInt8]) -> UInt8 {
    var message: [UInt8] = []
    for part in [text, written] { withUnsafeBytes(of: UInt32(part.count).littleEndian) { message += $0 } }
    message += text + written
    require(uninterrupted { write(question, message, message.count) } == message.count, "Python does not read")
    var byte: UInt8 = 0
    require(uninterrupted { read(answer, &byte, 1) } == 1, "Python does not answer")
    return byte
  }

  /// libFuzzer's timer interrupts whoever waits.
  private func uninterrupted(_ call: () -> Int) -> Int {
    while true {
      let result = call()
      if result >= 0 || errno != EINTR { return result }
    }
  }
}
