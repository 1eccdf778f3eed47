import Runs
import Support
import Testing

@testable import Reports

/// What is wrong with `page` as XML after its doctype, or nil. A browser forgives; this does not.
private func defect(_ page: String) -> String? {
  var (open, rest): ([Substring], Substring) = ([], page.drop { $0 != "\n" })
  while let start = rest.firstIndex(of: "<") {
    let text = rest[..<start]
    if text.contains(">") && open.last != "style" { return "a bare > in \(text.suffix(60))" }
    guard let end = rest[start...].firstIndex(of: ">") else { return "an open tag" }
    var tag = rest[rest.index(after: start)..<end]
    rest = rest[rest.index(after: end)...]
    if tag.hasPrefix("/") {
      guard open.popLast() == tag.dropFirst() else { return "</\(tag.dropFirst())>" }
      continue
    }
    let closed = tag.hasSuffix(" /")
    if closed { tag = tag.dropLast(2) }
    let parts = tag.split(separator: "\"", omittingEmptySubsequences: false)
    guard parts.count % 2 == 1, !tag.contains("<"), !parts.last!.contains("=") else {
      return "quotes in <\(tag)>"
    }
    for (index, part) in parts.dropLast().enumerated() where index % 2 == 0 {
      if !part.hasSuffix("=") { return "an attribute in <\(tag)>" }
    }
    if !closed { open.append(tag.prefix { $0 != " " }) }
  }
  return open.isEmpty ? nil : "\(open) left open"
}

/// Every "&" of the page begins a character reference.
private func ampersandsAreEscaped(_ page: String) -> Bool {
  page.split(separator: "&").dropFirst().allSatisfy { part in
    ["amp;", "lt;", "gt;", "quot;", "#39;"].contains { part.hasPrefix($0) }
  }
}

@Test("the check of well-formedness finds defects")
func defectsAreFound() {
  #expect(defect("\n<a><b c=\"d\" /></a>") == nil)
  for bad in ["\n<a>", "\n<a></b>", "\n<a b=c></a>", "\n<a>></a>", "\n<a b=\"c></a>"] {
    #expect(defect(bad) != nil, "\(bad)")
  }
}

@Test("the page is well-formed and escapes every text")
func pageIsWellFormed() throws {
  let run = SyntheticRun()
  try run.fill()
  let page = try Report.html(run.path)
  #expect(defect(page) == nil)
  #expect(ampersandsAreEscaped(page))
  #expect(!page.contains("<script"))
  #expect(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;quoted"))
  #expect(page.contains("prompts&lt;1&gt;.jsonl"))
  #expect(page.contains("run&amp;1"))
  #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
}

@Test("the page fetches nothing")
func pageIsSelfContained() throws {
  let run = SyntheticRun()
  try run.fill()
  let page = try Report.html(run.path)
  for word in ["http:", "https:", "src=", "@import", "url(", "<link", "<script", "<iframe"] {
    #expect(!page.contains(word), "\(word)")
  }
  #expect(page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"))
}

@Test("the page shows every measure, model, curve, category and stage of a full run")
func pageIsComplete() throws {
  let run = SyntheticRun()
  try run.fill()
  let page = try Report.html(run.path)
  let others = [
    "Calibration", "Proxy reward against √KL", "Gold score against √KL",
    "Gold score by category",
  ]
  for title in SyntheticRun.curves + others { #expect(page.contains("<h3>\(title)</h3>"), "\(title)") }
  for measure in Measure.all { #expect(page.contains(measure.title), "\(measure.title)") }
  for text in ["Base", "SFT", "PPO-ptx", "71.2\u{A0}%", "0.813", "−2.31", "open qa", "kl-coef"] {
    #expect(page.contains(text), "\(text)")
  }
  for detail in ["66.8–75.4\u{A0}%", "n\u{A0}480"] {
    #expect(page.contains("<span>\(detail)</span>"), "\(detail)")
  }
  #expect(!page.contains("Not shown") && !page.contains("Warning:"))
  #expect(page.contains("5:12"))
}

@Test("curves without data are left out, with a sentence that names them")
func pageNamesWhatIsMissing() throws {
  let run = SyntheticRun()
  _ = try RunFolder.start(
    at: run.path,
    manifest: Manifest(
      command: ["tinyrlhf"], configuration: [:], seed: 1, host: .init(processor: "x", threads: 1)),
    resume: true)
  let page = try Report.html(run.path)
  #expect(defect(page) == nil)
  #expect(!page.contains("<figure"))
  #expect(page.contains("no data for it: its curves."))
  #expect(page.contains("no data for them: its curves, Calibration."))
  #expect(page.contains("no results yet"))
}

@Test("a run in the middle of PPO has its curves and no table")
func pageOfUnfinishedRun() throws {
  let run = SyntheticRun()
  try run.fill(finished: false)
  let page = try Report.html(run.path)
  #expect(defect(page) == nil)
  #expect(page.contains("<h3>KL</h3>"))
  #expect(!page.contains("class=\"results\""))
  #expect(page.contains("not finished"))
}

@Test("PPO without pretraining mix is not called PPO-ptx")
func pageNamesPPO() throws {
  var records = RunRecords(
    manifest: Manifest(
      command: [], configuration: ["ptx-coef": .number(0)], seed: 1,
      host: .init(processor: "x", threads: 1)),
    metrics: [], samples: [], summary: Summary(seed: 1, models: ["ppo": .init(), "zz": .init()]))
  #expect(ShownModels(records).name("ppo") == "PPO")
  #expect(ShownModels(records).keys == ["ppo", "zz"])
  records.manifest = nil
  #expect(ShownModels(records).name("ppo") == "PPO-ptx")
}

@Test("equal folders give equal pages")
func pageIsDeterministic() throws {
  let run = SyntheticRun()
  try run.fill()
  #expect(try Report.html(run.path) == Report.html(run.path))
}

/// With `TINYRLHF_REPORT_FOLDER` set, a synthetic run is left there to be looked at in a browser.
@Test(
  "the synthetic page is written for inspection",
  .enabled(if: EnvironmentVariable.reportFolder != nil))
func pageForInspection() throws {
  let run = SyntheticRun(at: EnvironmentVariable.reportFolder!)
  try run.fill()
  let page = try Report.html(run.path)
  try Files.writeAtomically(Array(page.utf8), to: "\(run.path)/\(RunFile.report)")
  let text = try Report.terminal(run.path, width: 80, colour: false)
  try Files.writeAtomically(Array(text.utf8), to: "\(run.path)/report.txt")
  #expect(Files.exists("\(run.path)/\(RunFile.report)"))
}
