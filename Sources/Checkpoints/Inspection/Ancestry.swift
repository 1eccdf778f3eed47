import Support

/// The models that a checkpoint was made from, as far back as the files in its folder tell.
///
/// PROVENANCE contains only the identities of parents. If a parent's file is in the same folder, as in a run folder,
/// its own parents are listed too.
public struct Ancestry: Encodable, Sendable {
  /// The name that the child's PROVENANCE uses: `sft`, `reward`.
  public let name: String
  /// Sixteen hexadecimal digits.
  public let identity: String
  /// The file name in the folder, if a file was found.
  public let file: String?
  public let parents: [Ancestry]

  /// - Parameter folder: the folder to search for parents; nil to search nowhere.
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
  ///   - seen: identities on the path to here, because a forged file may name its child as a parent.
  ///   - left: how many more ancestors may be listed, because a forged file may name one parent many times.
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

  /// Limits that no real recipe or folder reaches.
  private static let mostAncestors = 256
  private static let mostParents = 16
  private static let mostFiles = 64

  /// The parents named in PROVENANCE; empty if it names none.
  private static func links(_ checkpoint: Checkpoint) -> [Link] {
    let provenance = try? JSON.decode(JSONValue.self, from: checkpoint.provenance, at: "")
    return (provenance?["parents"]?.array ?? []).prefix(mostParents).compactMap { parent in
      guard let name = parent["name"]?.string, let hash = parent["hash"]?.string else { return nil }
      return (name, hash)
    }
  }

  /// The checkpoints of a folder by identity; if several have the same identity, the first by name.
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
  /// One line per ancestor; children come first, and each generation is indented.
  func lines(depth: Int = 0) -> [String] {
    let place = file.map { ", \($0)" } ?? ""
    let line = String(repeating: "    ", count: depth) + "← \(name) \(identity)\(place)"
    return [Terminal.harmless(line)] + parents.flatMap { $0.lines(depth: depth + 1) }
  }
}
