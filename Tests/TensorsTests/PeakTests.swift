import CKernels
import Tensors
import TestSupport
import Testing

@Suite struct PeakTests {
  typealias Kernel = @convention(c) (UnsafeRawPointer?, Int32, Int32) -> Void

  private func operations(_ kernel: Kernel, iterations: Int64, parts: Int) -> [Int64] {
    var done = [Int64](repeating: -1, count: parts + 1)
    done.withUnsafeMutableBufferPointer { done in
      var arguments = tk_peak_args(iterations: iterations, done: done.baseAddress)
      for part in 0..<parts { kernel(&arguments, Int32(part), Int32(parts)) }
    }
    return done
  }

  @Test("every part reports operations in proportion to its rounds, and only its own")
  func counts() {
    for set in InstructionSet.available {
      set.use {
        for kernel: Kernel in [tk_peak_fma, tk_peak_int8] {
          let one = operations(kernel, iterations: 1, parts: 3)
          #expect(one[0] > 0 && one[0] == one[1] && one[1] == one[2] && one[3] == -1, "\(set)")
          #expect(operations(kernel, iterations: 1000, parts: 1)[0] == 1000 * one[0], "\(set)")
        }
      }
    }
  }

  @Test("the work is really done: no core makes 8 float or 64 int8 operations a picosecond")
  func notOptimizedAway() {
    for set in InstructionSet.available where set != .scalar {
      set.use {
        for (kernel, limit) in [(tk_peak_fma as Kernel, 8e12), (tk_peak_int8 as Kernel, 64e12)] {
          var done: [Int64] = []
          let time = ContinuousClock().measure {
            done = operations(kernel, iterations: 100_000, parts: 1)
          }
          #expect(Double(done[0]) / (time / .seconds(1)) < limit, "\(set)")
        }
      }
    }
  }

  @Test("reading adds up every element once, for every length and number of parts")
  func read() {
    for set in InstructionSet.available {
      set.use {
        for count in [0, 1, 15, 63, 64, 65, 129, 1000] {
          let x = (0..<count).map { Float($0 % 17) }
          for parts in 1...4 {
            var sinks = [Float](repeating: 0, count: parts)
            x.withUnsafeBufferPointer { x in
              sinks.withUnsafeMutableBufferPointer { sinks in
                var arguments = tk_read_args(
                  x: x.baseAddress, count: Int64(count), sink: sinks.baseAddress)
                for part in 0..<parts { tk_read(&arguments, Int32(part), Int32(parts)) }
              }
            }
            #expect(sinks.reduce(0, +) == x.reduce(0, +), "\(set), \(count), \(parts) parts")
          }
        }
      }
    }
  }
}
