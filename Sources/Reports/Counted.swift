extension Numbers {
  /// "1 pair", "1,200 pairs".
  static func count(_ value: Int, _ noun: String) -> String {
    "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
  }
}
