import Testing

@testable import Support

@Test("dates are UTC in ISO 8601, leap days included")
func clockDates() {
  #expect(Clock.date(secondsSince1970: 0) == "1970-01-01T00:00:00Z")
  #expect(Clock.date(secondsSince1970: 951_827_696) == "2000-02-29T12:34:56Z")
  #expect(Clock.date() > "2024")
}

@Test("the monotonic clock does not go back")
func clockMonotonic() {
  let times = (0..<1000).map { _ in Clock.monotonic() }
  #expect(times == times.sorted())
  #expect(times[0] > 0)
}

@Test("touching memory raises the peak by as much")
func clockPeak() {
  let before = Clock.peakResidentBytes()
  #expect(before > 1 << 20)
  let size = before + (64 << 20)  // above whatever else the process has held
  let block = [UInt8](repeating: 1, count: size)
  #expect(block[size - 1] == 1)
  #expect(Clock.peakResidentBytes() >= before + (32 << 20))
}
