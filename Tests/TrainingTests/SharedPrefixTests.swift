import Models
import Support
import Tensors
import Testing

@testable import Training

@Suite("What sequences have in common is computed once")
struct SharedPrefixTests {
  private static let prompts: [RankedSequences] = (0..<5).map { index in
    let prompt = tokens(6 + 2 * index, stream: UInt64(index))
    var answers = (0..<4).map { tokens(3 + ($0 + index) % 4, stream: UInt64(10 * index + $0)) + [0] }
    answers[3] = answers[1]
    if index == 2 { answers[0] = [] }
    if index == 3 { answers = Array(repeating: answers[0], count: 4) }
    return RankedSequences(sequences: answers.map { prompt + $0 }, ranks: [2, 1, 4, 1])
  }

  @Test("a pass has a prompt once, and of equal answers one")
  func counts() {
    func count(_ sequences: [[Int32]]) -> (shared: Int, tokens: Int) {
      let prefix = SharedPrefix(sequences.count) { sequences[$0] }
      return (prefix.shared, prefix.tokenCount)
    }
    #expect(count([]) == (0, 0))
    #expect(count([[1, 2, 3]]) == (3, 3))
    #expect(count([[1, 2, 3], [1, 2, 4, 5]]) == (2, 5))
    #expect(count([[1, 2], [1, 2]]) == (2, 2))
    #expect(count([[1, 2, 3], [1, 2], [1, 2, 3]]) == (2, 3))
    #expect(count([[1, 2], [3, 4], [1, 2]]) == (0, 4))
    #expect(Self.prompts[3].tokenCount == Self.prompts[3].sequences[0].count)
  }

  /// One answer in a pass of its own.
  private struct Alone: PassUnit {
    let tokens: [Int32]
    var tokenCount: Int { tokens.count }
    func append(to pass: SequencePass) {
      pass.read(RankedSequences.scoredRows(of: tokens), at: pass.append(tokens))
    }
  }

  /// The gradients that are given to it.
  private struct Fixed: Objective {
    let outputs = HeadOutputs.scalars
    let gradients: [Float]
    private(set) var scalars: [Float] = []

    init(_ gradients: [Float]) { self.gradients = gradients }

    mutating func add(scalars chunk: OutputChunk) {
      for i in chunk.values.indices { chunk.gradient[i] = gradients[chunk.first + i] }
      scalars += chunk.values
    }
  }

  private func learn(_ units: some RandomAccessCollection<some PassUnit>) throws -> (
    scalars: [Float], gradients: [String: [Float]]
  ) {
    let lab = try TinyLab(rows: 128)
    let model = try lab.model(try lab.parameters(scalarHead: true, scale: 8))
    let pass = try SequencePass(lab.training, arena: lab.arena)
    var objective = Fixed((0..<20).map { Float($0 % 7 - 3) / 4 })
    model.gradients.reset()
    pass.learn(&objective, model.view, into: model.gradients, units, as: "learning")
    model.gradients.finish(lab.compute)
    let gradients = model.gradients.parameters.tensors.map {
      ($0.tensor.name, Array(UnsafeBufferPointer(start: $0.base, count: $0.tensor.count)))
    }
    return (objective.scalars, Dictionary(uniqueKeysWithValues: gradients))
  }

  @Test("scores of a prompt's answers have the bits of answers alone; gradients are within 10⁻⁶ of theirs")
  func reward() throws {
    let shared = try learn(Self.prompts)
    let alone = try learn(Self.prompts.flatMap(\.sequences).map { Alone(tokens: $0) })
    #expect(bits(shared.scalars) == bits(alone.scalars) && shared.scalars.count == 20)
    for (name, gradient) in shared.gradients {
      let expected = try #require(alone.gradients[name])
      let largest = expected.map(\.magnitude).max()!
      let worst = zip(gradient, expected).map { ($0 - $1).magnitude }.max()!
      #expect(worst <= 1e-6 * largest, "\(name): off by \(worst) of \(largest)")
    }
  }

  @Test("readings of neighbours that begin alike are those of each alone, in the order that was given")
  func reading() throws {
    let prompt = tokens(9, stream: 1)
    let sequences: [TrainingSequence] =
      (0..<7).map { TrainingSequence(prompt: prompt, completion: tokens(2 + $0 % 3, stream: UInt64($0 % 4))) }
      + [TrainingSequence(tokens: tokens(5, stream: 30)), TrainingSequence(tokens: prompt)]
      + (0..<3).map { TrainingSequence(prompt: prompt, completion: tokens(4, stream: 60 + UInt64($0))) }
    for rows in [24, 64, 1024] {
      let lab = try TinyLab(rows: rows)
      let weights = TransformerWeights(try lab.parameters(scale: 8))
      let trainer = try LanguageModelTrainer(lab.inference, arena: lab.arena)
      let together = trainer.pass.logprobs(weights, sequences)
      let passes = lab.inference.passes
      for (index, sequence) in sequences.enumerated() {
        #expect(bits(together[index]) == bits(trainer.pass.logprobs(weights, [sequence])[0]), "\(index)")
      }
      #expect(passes < sequences.count)
    }
  }

  @Test("neighbours are grouped where that saves tokens, and never over the limit")
  func grouping() {
    func groups(_ sequences: [[Int32]], limit: Int = 100) -> [Int] {
      PassGroup.grouping(sequences.map(PassSequence.init(scored:)), shortest: 2, limit: limit).map(\.tokenCount)
    }
    #expect(groups([]) == [])
    #expect(groups([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 6]]) == [6])
    #expect(groups([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 6]], limit: 5) == [5, 4])
    #expect(groups([[1, 2], [3, 4]]) == [2, 2])
    #expect(groups([[1, 2], [1, 3]]) == [2, 2])  // one token is not worth it
    // The third would leave the first two less than they share.
    #expect(groups([[1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 8], [1, 2, 9]]) == [8, 3])
  }

  @Test("sequences that are learnt and begin with sixteen equal tokens have the loss of each alone")
  func languageModel() throws {
    let prompt = tokens(18, stream: 1)
    let sequences = (0..<4).map {
      TrainingSequence(prompt: prompt, completion: tokens(3 + $0, stream: 40 + UInt64($0)))
    }
    func step(_ steps: [[TrainingSequence]]) throws -> (loss: Double, gradients: [Float]) {
      let lab = try TinyLab(rows: 512)
      let model = try lab.model(try lab.parameters(scale: 8))
      let trainer = try LanguageModelTrainer(lab.training, arena: lab.arena)
      model.gradients.reset()
      let count = sequences.reduce(0) { $0 + $1.targetCount }
      let loss = steps.reduce(0.0) { sum, step in
        let own = step.reduce(0) { $0 + $1.targetCount }
        let mean = trainer.accumulate(
          model.weights, into: model.gradients, step, coefficient: Float(own) / Float(count))
        return sum + mean * Double(own)
      }
      model.gradients.finish(lab.compute)
      let trunk = model.gradients.parameters
      return (loss / Double(count), Array(UnsafeBufferPointer(start: trunk.trunk, count: trunk.layout.trunkCount)))
    }
    let together = try step([sequences])
    let alone = try step(sequences.map { [$0] })
    #expect(abs(together.loss - alone.loss) < 1e-12)
    let largest = alone.gradients.map(\.magnitude).max()!
    let worst = zip(together.gradients, alone.gradients).map { ($0 - $1).magnitude }.max()!
    #expect(worst <= 2e-6 * largest, "\(worst) of \(largest)")
  }
}
