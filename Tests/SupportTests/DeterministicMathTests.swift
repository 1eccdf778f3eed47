import Glibc
import Testing

@testable import Support

/// |a − b| relative to b; 0 when both are the same infinity.
private func relativeError(_ a: Double, _ b: Double) -> Double {
  a == b ? 0 : abs(a - b) / abs(b)
}

@Test("exp is within 1e-14 of the C library's over all normal results")
func exponential() {
  for step in -7080...7097 {
    let x = Double(step) * 0.1
    #expect(relativeError(DeterministicMath.exp(x), Glibc.exp(x)) < 1e-14, "\(x)")
    let near = Double(step) * 1e-5
    #expect(relativeError(DeterministicMath.exp(near), Glibc.exp(near)) < 1e-15, "\(near)")
  }
}

@Test("exp and log keep their limits")
func limits() {
  #expect(DeterministicMath.exp(0) == 1)
  #expect(DeterministicMath.exp(800) == .infinity)
  #expect(DeterministicMath.exp(.infinity) == .infinity)
  #expect(DeterministicMath.exp(-800) == 0)
  #expect(DeterministicMath.exp(-.infinity) == 0)
  #expect(DeterministicMath.exp(.nan).isNaN)
  let subnormal = DeterministicMath.exp(-740)
  #expect(abs(subnormal - Glibc.exp(-740)) <= 2 * Double.leastNonzeroMagnitude)
  #expect(subnormal > 0)
  #expect(DeterministicMath.log(1) == 0)
  #expect(DeterministicMath.log(0) == -.infinity)
  #expect(DeterministicMath.log(.infinity) == .infinity)
  #expect(DeterministicMath.log(-1).isNaN)
  #expect(DeterministicMath.log(.nan).isNaN)
}

@Test("log is within 1e-14 of the C library's, near 1 and at both ends")
func logarithm() {
  for step in 1...4000 {
    for x in [Double(step) * 1e-3, 1 + Double(step) * 1e-7, 1 - Double(step) * 1e-7] {
      #expect(relativeError(DeterministicMath.log(x), Glibc.log(x)) < 1e-14, "\(x)")
    }
  }
  for x in [Double.leastNonzeroMagnitude, 0x1p-1060, 1e-300, 1e-20, 1e20, 1.7e308] {
    #expect(relativeError(DeterministicMath.log(x), Glibc.log(x)) < 1e-14, "\(x)")
  }
}

@Test("log1p, sigmoid and softplus stay accurate where the plain formula does not")
func composed() {
  for step in -700...700 {
    let x = Double(step) * 0.05
    let sigmoid = x >= 0 ? 1 / (1 + Glibc.exp(-x)) : Glibc.exp(x) / (1 + Glibc.exp(x))
    #expect(relativeError(DeterministicMath.sigmoid(x), sigmoid) < 1e-14, "\(x)")
    let softplus = max(x, 0) + Glibc.log1p(Glibc.exp(-abs(x)))
    #expect(relativeError(DeterministicMath.softplus(x), softplus) < 1e-14, "\(x)")
    for scale in [1e-3, 1e-9] where x * scale > -1 {
      let small = x * scale
      #expect(relativeError(DeterministicMath.log1p(small), Glibc.log1p(small)) < 1e-14)
    }
  }
  #expect(DeterministicMath.softplus(-800) == 0)
  #expect(DeterministicMath.softplus(800) == 800)
}

@Test("e^x − 1 − x is never negative and keeps its digits at small x")
func remainder() {
  for step in -1000...1000 {
    let x = Double(step) * 1e-3
    #expect(DeterministicMath.expRemainder(x) >= 0)
    let tiny = Double(step) * 1e-8
    // The next term of the series is tiny⁴/24, which is below 1e-12 of the value.
    let series = tiny * tiny / 2 + tiny * tiny * tiny / 6
    #expect(relativeError(DeterministicMath.expRemainder(tiny), series) < 1e-10)
  }
  for x in [-3, -0.5, -0.4999, 0.4999, 0.5, 2] {
    #expect(relativeError(DeterministicMath.expRemainder(x), Glibc.expm1(x) - x) < 1e-14, "\(x)")
  }
}

@Test("cosine of multiples of π is within 1e-15, and exact at the halves")
func cosine() {
  for step in -3000...3000 {
    let x = Double(step) / 1000
    #expect(abs(DeterministicMath.cosinePi(x) - Glibc.cos(.pi * x)) < 3e-15, "\(x)")
  }
  #expect([0, 0.5, 1, 1.5, 2].map(DeterministicMath.cosinePi) == [1, 0, -1, 0, 1])
}

@Test("sine and cosine are within 1e-15 of the C library's up to a million, and exact at 0")
func sineAndCosine() {
  var worst = 0.0
  for step in -200_000...200_000 {
    let x = Double(step) * 5.1234567
    let (sine, cosine) = DeterministicMath.sineAndCosine(x)
    worst = max(worst, abs(sine - Glibc.sin(x)), abs(cosine - Glibc.cos(x)))
  }
  #expect(worst < 1e-15)
  let (sine, cosine) = DeterministicMath.sineAndCosine(0)
  #expect(sine == 0 && cosine == 1)
}
