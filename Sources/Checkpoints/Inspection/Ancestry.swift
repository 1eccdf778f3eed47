import Support

/// What a checkpoint was made of, as far back as the files beside it tell.
///
/// PROVENANCE names parents by identity only. A parent whose file lies in the same folder, as in a
/// run folder, tells its own parents.
public struct Ancestry: Encodable, Sendable {
  /// What the child calls it: `sft`, `reward`.
  public let name: String
  /// Sixteen hexadecimal digits.
  public let identity: String
  /// The file's name in the folder, where there is one.
  public let file: String?
  public let parents: [Ancestry]

  /// - Parameter folder: where parents may lie; nil to look nowhere.
  public static func parents(of checkpoint: Checkpoint, in folder: String?) -> [Ancestry] {
    let named = links(checkpoint)
    guard !named.isEmpty else { return [] }
    let files = folder.map(neighbours) ?? [:]
    var left = mostAncestors
    return named.map {
      Ancestry($0, files, seen: [Hexadecimal.text(checkpoint.identity)], &left)
    }
  }

  private typealias Link = (name: String, identity: String)

  /// - Parameters:
  ///   - seen: identities on the way here; a forged file may name its child as a parent.
  ///   - left: how many more may be told of; a forged file may name one parent many times, which does
  ///     the same.
  private init(
    _ link: Link, _ files: [String: (file: String, links: [Link])], seen: Set<String>,
    _ left: inout Int
  ) {
    (name, identity) = link
    left -= 1
    let found = seen.contains(identity) || left <= 0 ? nil : files[identity]
    file = found?.file
    var parents: [Ancestry] = []
    for parent in found?.links ?? [] where left > 0 {
      parents.append(Ancestry(parent, files, seen: seen.union([identity]), &left))
    }
    self.parents = parents
  }

  /// Recipes have few ancestors, and a folder few files.
  private static let mostAncestors = 256
  private static let mostParents = 16
  private static let mostFiles = 64

  /// The parents that PROVENANCE names; empty where it says nothing of the kind.
  private static func links(_ checkpoint: Checkpoint) -> [Link] {
    let provenance = try? JSON.decode(JSONValue.self, from: checkpoint.provenance, at: "")
    return (provenance?["parents"]?.array ?? []).prefix(mostParents).compactMap { parent in
      guard let name = parent["name"]?.string, let hash = parent["hash"]?.string else { return nil }
      return (name, hash)
    }
  }

  /// The checkpoints of a folder by identity: of equal ones the first by name.
  private static func neighbours(_ folder: String) -> [String: (file: String, links: [Link])] {
    let names = ((try? Files.names(in: folder)) ?? []).filter { $0.hasSuffix(".trlhf") }
    var found: [String: (file: String, links: [Link])] = [:]
    for name in names.prefix(mostFiles) {
      guard let checkpoint = try? Checkpoint(path: "\(folder)/\(name)") else { continue }
      let identity = Hexadecimal.text(checkpoint.identity)
      if found[identity] == nil { found[identity] = (name, links(checkpoint)) }
    }
    return found
  }
}

extension Ancestry {
  /// One line for each ancestor, children first, generations indented.
  func lines(depth: Int = 0) -> [String] {
    let place = file.map { ", \($0)" } ?? ""
    let line = String(repeating: "    ", count: depth) + "← \(name) \(identity)\(place)"
    return [Terminal.harmless(line)] + parents.flatMap { $0.lines(depth: depth + 1) }
  }
}
