/// A command with `--quiet`, which hides progress.
protocol Quietable {
  var isQuiet: Bool { get }
}

extension All: Quietable { var isQuiet: Bool { folder.quiet } }
extension Pretrain: Quietable { var isQuiet: Bool { folder.quiet } }
extension SFT: Quietable { var isQuiet: Bool { folder.quiet } }
extension Reward: Quietable { var isQuiet: Bool { folder.quiet } }
extension PPO: Quietable { var isQuiet: Bool { folder.quiet } }
extension StudyCommand: Quietable { var isQuiet: Bool { folder.quiet } }
extension SampleCommand: Quietable { var isQuiet: Bool { quiet } }
extension Eval: Quietable { var isQuiet: Bool { quiet } }
