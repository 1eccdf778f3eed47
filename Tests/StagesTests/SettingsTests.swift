import Support
import Testing

@testable import Stages

@Suite struct SettingsTests {
  @Test("a choice is given, recorded and read back by name, on the command line and in a file")
  func choices() throws {
    var settings = Settings()
    #expect(settings.choice(.klEstimator) == "k1")
    #expect(settings.resolved([.ppo])["kl-estimator"] == .string("k1"))
    try settings.set(.klEstimator, choice: "k3")
    try settings.merge(["missing-eos": .string("subtract")], stage: .ppo, at: "config.json")
    let recorded = settings.resolved([.ppo])
    #expect(recorded["kl-estimator"] == .string("k3"))
    #expect(recorded["missing-eos"] == .string("subtract"))
    var again = Settings()
    try again.merge(recorded, at: "manifest.json")
    #expect(again.resolved() == settings.resolved())
    let options = PPOStage.options(settings)
    #expect(options.klEstimator == .k3)
    #expect(options.missingEnd == .subtract(1))
    #expect(PPOStage.options(Settings()).missingEnd == .set(-1))
  }

  @Test("a choice that came later is recorded only where it is not the default, and reads back")
  func laterChoice() throws {
    var settings = Settings()
    #expect(settings.resolved([.ppo])["value-model"] == nil)
    #expect(PPOStage.options(settings).valueModel == .separate)
    try settings.set(.valueModel, choice: "separate")
    #expect(settings.resolved([.ppo])["value-model"] == nil)
    try settings.set(.valueModel, choice: "shared")
    #expect(settings.resolved([.ppo])["value-model"] == .string("shared"))
    var again = Settings()
    try again.merge(settings.resolved(), at: "manifest.json")
    #expect(PPOStage.options(again).valueModel == .shared)
  }

  @Test("what is none of the choices is refused with their names")
  func badChoices() {
    var settings = Settings()
    let usage = #expect(throws: Failure.self) { try settings.set(.klEstimator, choice: "k9") }
    #expect(usage?.kind == .usage)
    #expect(
      usage?.description == "--kl-estimator k9 is not one of k1, k2, k3. Choose one of them.")
    for value in [JSONValue.number(1), .bool(true), .null] {
      let data = #expect(throws: Failure.self) {
        try settings.merge(["kl-estimator": value], at: "config.json")
      }
      #expect(data?.kind == .badData)
      #expect(
        data?.description
          == "config.json: \"kl-estimator\" is not one of k1, k2, k3. Choose one of them.")
    }
    #expect(settings == Settings())
  }
}
