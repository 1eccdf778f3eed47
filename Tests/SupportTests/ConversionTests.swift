import Testing

@testable import Support

@Test("a number of any size becomes the nearest Int")
func nearestInt() {
  #expect(Int(nearest: 2.5) == 3 && Int(nearest: -2.4) == -2)
  #expect(Int(nearest: 1e300) == .max && Int(nearest: -1e300) == .min)
  #expect(Int(nearest: .infinity) == .max && Int(nearest: -.infinity) == .min && Int(nearest: .nan) == 0)
  // 2⁶³, the first that is none.
  #expect(Int(nearest: 9_223_372_036_854_775_808) == .max && Int(nearest: -9_223_372_036_854_775_808) == .min)
}

@Test("sums stop at the ends, and a product that no Int holds is none")
func boundedArithmetic() {
  #expect(Int.max.adding(atMost: 1) == .max && Int.min.adding(atMost: -1) == .min && 2.adding(atMost: -3) == -1)
  #expect(Int.product([3, 4, 5]) == 60 && Int.product([]) == 1)
  #expect(Int.product([1 << 32, 1 << 31]) == nil && Int.product([1 << 32, 1 << 32, 0]) == nil)
}

@Test("bytes are counted in powers of a thousand, whatever their number")
func bytesOfAnySize() {
  let amounts: [(Int, String)] = [
    (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_999, "1.0 MB"),
    (1_000_000_000, "1.0 GB"), (1_500_000_000_000, "1.5 TB"), (.max, "9.2 EB"), (-2_000_000, "-2.0 MB"),
  ]
  for (count, text) in amounts { #expect(Formatting.bytes(count) == text) }
}

@Test("a duration of any size has a form")
func durationsOfAnySize() {
  #expect(Formatting.duration(-1e300) == "0:00" && Formatting.duration(.nan) == "0:00")
  #expect(Formatting.duration(.infinity) == "0:00" && Formatting.duration(359_999.6) == "100:00:00")
  #expect(Formatting.duration(1e300).hasSuffix(":30:07"))
}

@Test("a time beyond all calendars is a date")
func datesOfAnySize() {
  for seconds in [Int.max, .min, 67_768_036_191_676_799] {
    #expect(Clock.date(secondsSince1970: seconds).hasSuffix("Z"))
  }
}
