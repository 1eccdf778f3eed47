import Testing

@testable import Training

@Test("a fixed coefficient stays; an adaptive one follows the clipped error")
func klController() {
  var fixed = KLController(coefficient: 0.02)
  fixed.update(kl: 100, episodes: 512)
  #expect(fixed.coefficient == 0.02)
  var adaptive = KLController(coefficient: 0.1, target: .init(kl: 6, horizon: 10_000))
  adaptive.update(kl: 6, episodes: 500)
  #expect(adaptive.coefficient == 0.1)
  adaptive.update(kl: 600, episodes: 500)  // far above: +0.2 · 500/10,000 = +1 %
  #expect(abs(adaptive.coefficient - 0.101) < 1e-15)
  adaptive.update(kl: 0, episodes: 500)
  #expect(abs(adaptive.coefficient - 0.101 * 0.99) < 1e-15)
  var near = KLController(coefficient: 1, target: .init(kl: 6, horizon: 1_000))
  near.update(kl: 6.6, episodes: 100)  // inside the clip: +0.1 · 0.1
  #expect(abs(near.coefficient - 1.01) < 1e-12)
}
