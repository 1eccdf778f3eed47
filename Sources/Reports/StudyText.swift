import Runs

/// A study's finding as plain text.
enum StudyText {
  static func text(_ study: StudyRecord, width: Int) -> String {
    let width = min(max(width, 40), 100)
    var lines = Wrapping.lines(study.question, width: width) + [""]
    lines += Wrapping.lines(study.finding, width: width) + [""]
    for figure in study.figures {
      let value = figure.value.map(Numbers.short) ?? Numbers.absent
      var line = "\(figure.name): \(value)"
      if let interval = figure.interval { line += " (\(interval))" }
      if let published = figure.published { line += "; published: \(published)" }
      lines += Wrapping.lines(line, width: width)
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
