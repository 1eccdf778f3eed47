import Support

extension Tokenizer {
  public static let largestVocabulary = 1 << 24
  /// The number of ids without a token that are accepted, in addition to one for each token, so that a forged count
  /// cannot use up memory.
  static let mostHoles = 1 << 16
  /// The longest token that is accepted, in bytes.
  static let longestImportedToken = 1 << 12

  /// - Throws: `Failure(.badData)` with the contradiction: ids out of order or out of range, two equal tokens, a
  ///   merge whose result is not its two parts, a chat format with tokens that do not exist.
  public init(_ definition: TokenizerDefinition, at place: String = "tokenizer") throws {
    let check = DefinitionChecks(definition, place: place)
    try check.settings()
    let vocabulary = try check.vocabulary()
    try check.tokens(vocabulary)
    try check.merges(vocabulary)
    try check.chatFormat(vocabulary)
    var settings = definition
    settings.tokens = []
    settings.merges = []
    self.init(
      settings, vocabulary, definition.merges.map { Merge($0.left, $0.right) },
      results: definition.merges.map(\.result))
  }

  /// The same tokenizer in its trained form, if it is one that tinyrlhf has trained.
  public var canonical: Tokenizer {
    guard !isTrained, settings.splitting == .tinyrlhf, settings.normalization == .none,
      chatFormat == .tinyrlhf, !settings.ignoresMerges, settings.unknown == nil,
      results == merges.indices.map({ Self.firstMerge + Int32($0) }),
      let bytes = try? Self.checkedBytes(of: merges, at: ""), bytes.count == vocabularyCount
    else { return self }
    let trained = Tokenizer(validated: merges, bytes: bytes)
    let isSame = (0..<Int32(vocabularyCount)).allSatisfy { id in
      trained.vocabulary[id] == vocabulary[id]
        && trained.vocabulary.traits[Int(id)].contains(.special)
          == vocabulary.traits[Int(id)].contains(.special)
        && (vocabulary.traits[Int(id)].contains(.special) || vocabulary.traits[Int(id)] == .model)
    }
    return isSame ? trained : self
  }

  /// The parts of this tokenizer.
  public var definition: TokenizerDefinition {
    var definition = settings
    definition.tokens = (0..<Int32(vocabularyCount)).compactMap { id in
      guard vocabulary.has(id) else { return nil }
      return .init(id: id, bytes: Array(vocabulary[id]), traits: vocabulary.traits[Int(id)])
    }
    definition.merges = zip(merges, results).map { .init(left: $0.left, right: $0.right, result: $1) }
    return definition
  }
}

private struct DefinitionChecks {
  let definition: TokenizerDefinition
  let place: String

  init(_ definition: TokenizerDefinition, place: String) {
    self.definition = definition
    self.place = place
  }

  private func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    guard !condition else { return }
    throw Failure(
      .badData, what(), at: place, remedy: "Give a tokenizer that other programs can use, or copy the file again.")
  }

  func settings() throws {
    let count = definition.vocabularyCount
    try require(
      count > 0 && count <= Tokenizer.largestVocabulary,
      "the vocabulary has \(count) ids; the range is 1…\(Tokenizer.largestVocabulary)")
    let most = 2 * definition.tokens.count + Tokenizer.mostHoles
    try require(
      count <= most,
      "the vocabulary has \(count) ids for \(definition.tokens.count) tokens; the limit is \(most)")
    try require(
      definition.isOfCharacters == definition.normalization.isMetaspace,
      "tokens are made of \(definition.isOfCharacters ? "characters" : "bytes"), "
        + "but normalisation is \(definition.normalization)")
    try require(
      definition.isOfCharacters || !definition.fallsBackToBytes,
      "tokens are made of bytes, so they cannot fall back to bytes")
    try require(
      !definition.fusesUnknown || definition.unknown != nil,
      "unknown characters are fused, but there is no unknown token")
  }

  /// The tokens by id, with holes for missing ids.
  func vocabulary() throws -> Vocabulary {
    var vocabulary = Vocabulary()
    for token in definition.tokens {
      try require(
        token.id >= vocabulary.count && token.id < definition.vocabularyCount,
        "token \(token.id) does not follow the one before it in a vocabulary of "
          + "\(definition.vocabularyCount)")
      try require(
        !token.bytes.isEmpty && token.bytes.count <= Tokenizer.longestImportedToken,
        "token \(token.id) has \(token.bytes.count) bytes; the range is 1 to \(Tokenizer.longestImportedToken)")
      let traits = token.traits
      try require(
        TokenizerDefinition.Traits.all.isSuperset(of: traits)
          && !traits.isDisjoint(with: [.model, .added])
          && (traits.contains(.added) || traits.isDisjoint(with: TokenizerDefinition.Traits.ofAdded)),
        "token \(token.id) has the traits \(traits.rawValue), which contradict each other")
      while vocabulary.count < token.id { vocabulary.append([], []) }
      vocabulary.append(token.bytes, traits)
    }
    while vocabulary.count < definition.vocabularyCount { vocabulary.append([], []) }
    return vocabulary
  }

  func tokens(_ vocabulary: Vocabulary) throws {
    for traits in [.model, .added] as [TokenizerDefinition.Traits] {
      if let (first, second) = TokenTable(vocabulary, with: traits).repeated {
        try require(false, "tokens \(first) and \(second) are the same")
      }
    }
    if definition.isOfCharacters {
      for token in definition.tokens where String(validating: token.bytes, as: UTF8.self) == nil {
        try require(false, "token \(token.id) is not UTF-8")
      }
    }
    if let unknown = definition.unknown {
      try require(vocabulary.has(unknown), "the unknown token \(unknown) does not exist")
    }
    guard definition.fallsBackToBytes else { return }
    let table = TokenTable(vocabulary, with: .model)
    for byte in 0...255 as ClosedRange<UInt8> {
      let name = TokenizerDefinition.byteToken(byte)
      try require(table[Array(name.utf8)] != nil, "characters fall back to bytes, but there is no token \(name)")
    }
  }

  func merges(_ vocabulary: Vocabulary) throws {
    for (rank, merge) in definition.merges.enumerated() {
      for part in [merge.left, merge.right, merge.result] {
        try require(
          vocabulary.has(part) && vocabulary.traits[Int(part)].contains(.model),
          "merge \(rank) uses token \(part), which does not exist")
      }
      let (left, right) = (vocabulary[merge.left], vocabulary[merge.right])
      let result = vocabulary[merge.result]
      try require(
        result.count == left.count + right.count && result.starts(with: left)
          && result.dropFirst(left.count).elementsEqual(right),
        "merge \(rank) makes token \(merge.result), which is not the sum of its two parts")
    }
  }

  func chatFormat(_ vocabulary: Vocabulary) throws {
    let format = definition.chatFormat
    for token in format.tokens {
      try require(vocabulary.has(token), "the chat format names token \(token), which does not exist")
    }
    let texts = [format.name, format.answerPrefix] + (format.template.map { template in
      template.specialTokens.flatMap { [$0.key, $0.value] } + template.sources.map(\.name)
    } ?? [])
    for text in texts {
      try require(
        text.utf8.count <= ChatFormat.longestText,
        "the chat format has a text of \(text.utf8.count) bytes; the limit is \(ChatFormat.longestText)")
    }
    for source in format.template?.sources ?? [] {
      try require(
        source.text.utf8.count <= ChatTemplate.longestText,
        "the chat template \(source.name) has \(source.text.utf8.count) bytes; "
          + "the limit is \(ChatTemplate.longestText)")
    }
    let counts = [
      format.endTokens.count, format.documentBegin.count, format.documentEnd.count,
      format.template?.specialTokens.count ?? 0, format.template?.sources.count ?? 0,
    ]
    for count in counts {
      try require(
        count <= ChatFormat.longestList,
        "the chat format has a list of \(count) elements; the limit is \(ChatFormat.longestList)")
    }
  }
}

extension ChatFormat {
  static let longestText = 1 << 14
  static let longestList = 255
}

extension ChatTemplate {
  /// The largest template, in bytes.
  public static let longestText = 1 << 20
}
