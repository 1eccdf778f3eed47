// The files of a run folder, and the reports that are drawn of them.
import Glibc
import Reports
import Support

@testable import Runs

/// An input is a byte whose lowest bit says what is drawn, the page or the terminal's text, and then a byte for each
/// file that the folder has: as it is, or followed by an edit of its text.
struct ReportTarget: Target {
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
      #"{"version":1,"study":"scale","question":"q","seeds":[1,2],"finding":"f","#
        + #""figures":[{"name":"n","value":1.5,"low":1,"high":2,"published":"p"}],"#
        + #""charts":[{"title":"t","unit":"u","x_title":"x","dots":[],"#
        + #""series":[{"name":"s","fit":false,"points":[{"x":1,"y":2,"low":1,"high":3},{"x":2,"y":4}]}]},"#
        + #"{"title":"t","unit":"u","series":[],"dots":[{"label":"l","value":1,"low":0,"high":2},"#
        + #"{"label":"m","value":3}]}]}"#
    ),
    (
      "metrics.json",
      #"{"sft":[{"name":"loss/train","unit":"nats","better":"lower","chart":{"title":"t","axis":"a","place":1,"line":"l","#
        + #""colour":"first","isPercent":false,"isDashed":true,"isMarked":false,"includes":[0.5],"#
        + #""reference":{"value":0.25,"name":"n"}}}],"ppo":[{"name":"objective/kl","unit":""}]}"#
    ),
  ]

  private static let pieces = [
    "1e300", "-1e300", "1.7976931348623157e308", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
    "1000000000000000000", "5e-324", "0", "-0.0", "null", "-1", "999999999.5", "[]", "\"x\"", "1e16",
  ]

  /// Added to a file's number: without an edit.
  private static let asItIs: UInt8 = 128

  static func seeds() -> [[UInt8]] {
    // Each piece in the place of a number of each file.
    let edits = files.indices.flatMap { file -> [[UInt8]] in
      let bytes = Array(files[file].text.utf8)
      let numbers = bytes.indices.dropFirst().filter {
        bytes[$0 - 1] == UInt8(ascii: ":") && (0x30...0x39).contains(bytes[$0])
      }
      return numbers.enumerated().map { index, place in
        [UInt8(file), 0, UInt8(place & 255), UInt8(place >> 8), UInt8(index % pieces.count)]
      }
    }
    let whole = files.indices.map { asItIs + UInt8($0) }
    // Beside the manifest, without which most files are no run, and beside all but the study.
    let folders = edits.map { [whole[0]] + $0 } + [whole.dropLast(), whole, [whole[0]]]
      + edits.indices.filter { $0 % 7 == 0 }.map { whole.dropLast() + edits[$0] }
    return folders.flatMap { [[0] + $0, [1] + $0] }
  }

  /// The files as they are, read once: what takes the time is left to those that were edited.
  private let whole: RunRecords

  init() throws {
    let texts = Dictionary(uniqueKeysWithValues: Self.files.map { ($0.name, Array($0.text.utf8)) })
    whole = try RunRecords.read(RunFiles(folder: "run", texts: texts))
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var bytes = Bytes(input)
    let isPage = bytes.u8() & 1 == 0
    var edited: [String: [UInt8]] = [:]
    var named: Set<String> = []
    for _ in 0..<12 where !bytes.isEmpty {
      let choice = bytes.u8()
      let (name, text) = Self.files[Int(choice & ~Self.asItIs) % Self.files.count]
      named.insert(name)
      if choice < Self.asItIs {
        var changed = edited[name] ?? Array(text.utf8)
        TextEdit.apply(&changed, Self.pieces, &bytes)
        edited[name] = changed
      }
    }
    let records = try read(RunFiles(folder: "run", texts: edited), as: named)
    if isPage {
      checkPage(Report.html(records))
    } else {
      require(!Report.terminal(records, width: 80, colour: false).isEmpty, "no text")
    }
  }

  private func read(_ files: RunFiles, as named: Set<String>) throws -> RunRecords {
    /// Of a file that was not edited, what was read before.
    func value<T>(_ name: String, _ whole: T, without none: T, _ read: (String) throws -> T) throws -> T {
      files.exists(name) ? try read(name) : named.contains(name) ? whole : none
    }
    return RunRecords(
      manifest: try value(RunFile.manifest, whole.manifest, without: nil) { _ in try files.manifest() },
      metrics: try value(RunFile.metrics, whole.metrics, without: []) { try files.lines(MetricsRecord.self, $0) },
      declarations: try value(RunFile.metricDeclarations, whole.declarations, without: [:]) {
        try files.value([String: [Metric]].self, $0) ?? [:]
      },
      samples: try value(RunFile.samples, whole.samples, without: []) { try files.lines(SampleRecord.self, $0) },
      evaluation: try value(RunFile.evaluation, whole.evaluation, without: nil) {
        try files.value(EvaluationDetails.self, $0)
      },
      summary: try value(RunFile.summary, whole.summary, without: nil) { try files.value(Summary.self, $0) },
      study: try value(RunFile.study, whole.study, without: nil) { try files.value(StudyRecord.self, $0) })
  }

  private func checkPage(_ html: String) {
    require(html.hasSuffix("</html>\n"), "a page without an end")
    html.withCString { page in
      require(strlen(page) == html.utf8.count, "a zero byte in the page")
      for word in ["\"nan\"", "\"inf\"", "\"-nan\"", "\"-inf\""] {
        require(strstr(page, word) == nil, "\(word) in the page")
      }
    }
  }
}
