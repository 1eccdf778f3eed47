// The files of a run folder, and the reports that are drawn of them.
import Glibc
import Reports
import Support

/// An input is a list of edits: a byte that names the file, and then the edit of its text.
struct ReportTarget: Target {
  private let folder: String

  private static let files: [(name: String, text: String)] = [
    (
      "manifest.json",
      #"{"version":1,"command":["tinyrlhf","all"],"configuration":{"rounds":2,"seed":1.5,"x":"y"},"seed":7,"#
        + #""world_seed":1,"host":{"processor":"p","threads":2,"memory_limit":5},"started":"2026-01-01T00:00:00Z","resumed":[],"#
        + #""stages":[{"name":"sft","status":"finished","seconds":3.5,"checkpoint":"sft.trlhf","identity":"00ff"},"#
        + #"{"name":"ppo","status":"running","seconds":1}]}"#
    ),
    (
      "metrics.jsonl",
      """
      {"stage":"sft","step":1,"loss/train":2.5,"loss/validation":2.25,"seconds":1}
      {"stage":"sft","step":2,"loss/train":1.5,"loss/validation":null}
      {"stage":"reward","step":1,"loss/ranking":0.7,"accuracy/train":0.5,"accuracy/validation":0.6}
      {"stage":"ppo-1","step":3,"objective/scores":0.5,"objective/kl":1,"eval/gold":0.5,"eval/kl":1,"eval/proxy":2}
      {"stage":"ppo","step":1,"objective/scores":1.5,"objective/rlhf_reward":-1,"policy/clipfrac_avg":0.25}

      """
    ),
    (
      "evaluation.json",
      #"{"calibration":[{"predicted":0.55,"observed":0.5,"n":10},{"predicted":0.75,"observed":0.8,"n":4}],"#
        + #""proxy_gold":[{"stage":"ppo","step":4,"kl":4,"proxy":1.5,"gold":0.5}],"#
        + #""categories":[{"model":"sft","category":"c","gold":0.5,"n":3},{"model":"ppo","category":"c","gold":1,"n":3}],"#
        + #""comparisons":[{"model":"base","against":"ppo","win_rate":{"mean":0.25,"low":0.125,"high":0.5,"ties":0,"#
        + #""n":9}}]}"#
    ),
    (
      "samples.jsonl",
      #"{"prompt":"p","category":"c","answers":[{"model":"sft","text":"a\n","gold":0.5,"helpful":1,"ended":false}]}"#
        + "\n" + #"{"prompt":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],"answers":[]}"# + "\n"
    ),
    (
      "summary.json",
      #"{"version":1,"seed":7,"world_seed":1,"seconds":90,"peak_rss_bytes":123456789,"#
        + #""stages":[{"name":"sft","seconds":3.5,"checkpoint":"sft.trlhf"}],"#
        + #""models":{"sft":{"gold":0.5,"kl":0,"mean_tokens":12.5,"bits_per_byte":1.5,"proxy_reward":0},"#
        + #""ppo":{"gold":0.75,"honest":1,"kl":4,"win_rate_vs_sft":{"mean":0.75,"low":0.5,"high":1,"ties":0.25,"#
        + #""n":480}}},"#
        + #""reward_model":{"accuracy":0.7,"accuracy_low":0.6,"accuracy_high":0.8,"pairs":100,"prompts":10},"#
        + #""rollouts":{"is_mean":1,"is_max":2,"clipped_fraction":0.001,"k3":0.0001}}"#
    ),
    (
      "study.json",
      #"{"study":"scale","question":"q","seeds":[1,2],"finding":"f","#
        + #""figures":[{"name":"n","value":1.5,"low":1,"high":2,"published":"p"}],"#
        + #""charts":[{"title":"t","unit":"u","x_title":"x","dots":[],"#
        + #""series":[{"name":"s","fit":false,"points":[{"x":1,"y":2,"low":1,"high":3},{"x":2,"y":4}]}]},"#
        + #"{"title":"t","unit":"u","series":[],"dots":[{"label":"l","value":1,"low":0,"high":2},"#
        + #"{"label":"m","value":3}]}]}"#
    ),
  ]

  private static let pieces = [
    "1e300", "-1e300", "1.7976931348623157e308", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
    "1000000000000000000", "5e-324", "0", "-0.0", "null", "-1", "999999999.5", "[]", "\"x\"", "1e16",
  ]

  static func seeds() -> [[UInt8]] {
    // Each piece in the place of a number of each file.
    files.indices.flatMap { file -> [[UInt8]] in
      let bytes = Array(files[file].text.utf8)
      let numbers = bytes.indices.dropFirst().filter {
        bytes[$0 - 1] == UInt8(ascii: ":") && (0x30...0x39).contains(bytes[$0])
      }
      return numbers.enumerated().map { index, place in
        [UInt8(file), 0, UInt8(place & 255), UInt8(place >> 8), UInt8(index % pieces.count)]
      }
    } + [[], [UInt8(files.count)]]
  }

  init() throws {
    folder = "/dev/shm/tinyrlhf-fuzz-report-\(getpid())"
    try Files.makeFolder(folder)
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var bytes = Bytes(input)
    var texts = Self.files.map { Array($0.text.utf8) }
    // A study's folder is another report.
    var isStudy = false
    for _ in 0..<8 where !bytes.isEmpty {
      let file = Int(bytes.u8()) % (Self.files.count + 1)
      if file >= Self.files.count - 1 { isStudy = true }
      if file < Self.files.count { TextEdit.apply(&texts[file], Self.pieces, &bytes) }
    }
    for (index, file) in Self.files.enumerated() {
      let path = "\(folder)/\(file.name)"
      if file.name == "study.json", !isStudy {
        unlink(path)
      } else {
        try write(texts[index], to: path)
      }
    }
    let html = try Report.html(folder)
    for word in ["nan", "inf", "-nan", "-inf"] where html.contains("\"\(word)\"") { fatalError("\(word) in the page") }
    require(html.hasSuffix("</html>\n") || html.hasSuffix("</html>"), "a page without an end")
    require(!(try Report.terminal(folder, width: 80, colour: false)).isEmpty, "no text")
  }

  /// Without a sync, which nobody needs here.
  private func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    require(descriptor >= 0, "\(path) cannot be written")
    defer { close(descriptor) }
    try Files.write(bytes, to: descriptor, path: path)
  }
}
