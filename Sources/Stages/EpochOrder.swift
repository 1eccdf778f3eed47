import Support

/// Chooses the records of each step: in epochs, each shuffled with its own random stream.
struct EpochOrder {
  let count: Int
  let batch: Int
  let seed: UInt64
  let purpose: String

  var stepsPerEpoch: Int { (count + batch - 1) / batch }

  func steps(epochs: Int) -> Int { stepsPerEpoch * epochs }

  /// Whether this step is the last of its epoch.
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
