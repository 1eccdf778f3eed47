import Runs
import Support

/// The parts that every report page has.
enum PageFrame {
  /// A complete HTML page that needs no other files.
  static func html(title: String, _ body: String) -> String {
    let head =
      Markup.empty("meta", [("charset", "utf-8")])
      + Markup.empty(
        "meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")])
      + Markup.empty("meta", [("name", "color-scheme"), ("content", "light dark")])
      + Markup.empty(
        "meta",
        [
          ("http-equiv", "Content-Security-Policy"),
          ("content", "default-src 'none'; style-src 'unsafe-inline'"),
        ])
      + Markup.text("title", [], title)
      + Markup.element("style", [], Style.sheet)
    return "<!DOCTYPE html>\n"
      + Markup.element(
        "html", [("lang", "en")],
        Markup.element("head", [], head)
          + Markup.element("body", [], Markup.element("main", [], body))) + "\n"
  }

  /// Start date, seed and machine of the run.
  static func facts(_ manifest: Manifest) -> [String] {
    [
      "started \(manifest.started.prefix(10))", "seed \(manifest.seed)",
      "\(manifest.host.processor), \(manifest.host.threads) threads",
    ]
  }

  static func line(_ facts: [String]) -> String {
    Markup.element("p", [("class", "facts")], facts.map { Markup.text("span", [], $0) }.joined())
  }

  /// A section with the command and every hyper-parameter.
  static func configuration(_ manifest: Manifest) -> String {
    let rows = manifest.configuration.keys.sorted().map { key in
      let value = manifest.configuration[key]!
      let shown = value.string ?? (try? JSON.line(value)) ?? ""
      return Markup.element(
        "div", [], Markup.text("dt", [], key) + Markup.text("dd", [], shown))
    }
    return Markup.text("h3", [], "Configuration")
      + Markup.text("p", [("class", "command")], manifest.command.joined(separator: " "))
      + Markup.element("dl", [("class", "configuration")], rows.joined())
  }
}
