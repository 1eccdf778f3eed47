import Support

/// Which records a step sees: epochs, each shuffled by its own stream.
struct EpochOrder {
  let count: Int
  let batch: Int
  let seed: UInt64
  let purpose: String

  var stepsPerEpoch: Int { (count + batch - 1) / batch }

  func steps(epochs: Int) -> Int { stepsPerEpoch * epochs }

  /// Whether nothing is left of an epoch after this step.
  func endsEpoch(_ step: Int) -> Bool { (step + 1) % stepsPerEpoch == 0 }

  func batch(_ step: Int) -> [Int] {
    let epoch = step / stepsPerEpoch
    var order = Array(0..<count)
    var random = RandomStream(seed: seed, purpose: purpose, index: UInt64(epoch))
    random.shuffle(&order)
    let first = step % stepsPerEpoch * batch
    return Array(order[first..<min(first + batch, count)])
  }
}
