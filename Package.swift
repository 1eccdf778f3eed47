// swift-tools-version: 6.1
import Foundation
import PackageDescription

// Sources/README.md draws this map; Tests/SupportTests/MapTests.swift compares the two, and the files' imports.

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: documents[name] ?? [])
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
    resources: goldens.contains(name) ? [.copy("Goldens")] : [])
}

let goldens = ["Statistics", "Models", "Training", "Interchange", "Jinja"]
// The static libraries of zstd and zlib where the system has them, so that the program runs on machines
// without.
#if arch(arm64)
  let machine = "aarch64"
#else
  let machine = "x86_64"
#endif
func hasStatic(_ name: String) -> Bool {
  ["/usr/lib/\(machine)-linux-gnu", "/usr/lib64", "/usr/lib"].contains {
    FileManager.default.fileExists(atPath: "\($0)/lib\(name).a")
  }
}

func systemLibrary(_ target: String, _ name: String, package: String, apt: String) -> Target {
  .systemLibrary(
    name: target, pkgConfig: hasStatic(name) ? nil : package, providers: [.apt([apt])])
}

func linked(_ name: String) -> LinkerSetting {
  .linkedLibrary(hasStatic(name) ? ":lib\(name).a" : name)
}

let documents = [
  "Checkpoints": ["FORMAT.md"], "Training": ["RECIPE.md"], "Interchange": ["CONFIGURATION.md"],
]

let package = Package(
  name: "tinyrlhf",
  products: [
    .executable(name: "tinyrlhf", targets: ["tinyrlhf"]),
    // What tests preload into the program.
    .library(name: "CFaults", type: .dynamic, targets: ["CFaults"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    .target(name: "CSupport"),
    library("Support", ["CSupport"]),
    .target(name: "CKernels"),
    library("Tensors", ["CKernels", "Support"]),
    systemLibrary("CZstd", "zstd", package: "libzstd", apt: "libzstd-dev"),
    systemLibrary("CZlib", "z", package: "zlib", apt: "zlib1g-dev"),
    .target(
      name: "Compression", dependencies: ["CZstd", "CZlib", "Support", "CSupport"],
      linkerSettings: [linked("zstd"), linked("z")]),
    library("Checkpoints", ["Compression", "Support", "CSupport"]),
    .target(name: "CUnicode"),
    library("Jinja", ["Support"]),
    library("Dialogues", ["Support"]),
    library("Statistics", ["Support"]),
    library("Tokenizers", ["CUnicode", "Dialogues", "Jinja", "Support"]),
    library("Datasets", ["Dialogues", "Compression", "Support"]),
    library("Models", ["Tensors", "Checkpoints", "Support"]),
    library(
      "Interchange",
      ["Checkpoints", "Models", "Tensors", "Tokenizers", "Dialogues", "Jinja", "Support"]),
    library("Training", ["Models", "Tensors", "Statistics", "Support"]),
    library("World", ["Dialogues", "Support"]),
    library("Runs", ["Support"]),
    library("Reports", ["Runs", "Support"]),
    library(
      "Inference",
      ["Models", "Tensors", "Checkpoints", "Datasets", "Tokenizers", "Dialogues", "Support"]),
    library(
      "Evaluation",
      [
        "Inference", "Training", "World", "Runs", "Models", "Tensors", "Tokenizers", "Dialogues",
        "Statistics", "Checkpoints", "Support",
      ]),
    library(
      "Stages",
      [
        "Evaluation", "Inference", "Training", "World", "Runs", "Models", "Tensors", "Checkpoints",
        "Datasets", "Tokenizers", "Dialogues", "Statistics", "Support",
      ]),
    library(
      "Diagnostics",
      [
        "Stages", "Evaluation", "Inference", "Training", "World", "Runs", "Models", "Tensors",
        "Checkpoints", "Datasets", "Tokenizers", "Dialogues", "Support",
      ]),
    library(
      "Studies",
      [
        "Stages", "Evaluation", "Inference", "World", "Runs", "Models", "Checkpoints", "Tokenizers",
        "Dialogues", "Statistics", "Support",
      ]),
    .target(name: "CWeights"),
    .executableTarget(
      name: "tinyrlhf",
      dependencies: [
        "Studies", "Diagnostics", "Stages", "Evaluation", "Inference", "Reports", "CWeights", "Runs", "Models", "Tensors", "Checkpoints",
        "Datasets", "Interchange", "Tokenizers", "Dialogues", "Jinja", "Support",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    .target(name: "CFaults", path: "Tests/CFaults"),
    .target(
      name: "TestSupport", dependencies: ["CTestSupport", "Compression", "Support", "Tensors"],
      path: "Tests/TestSupport"),
    tests("Support", ["CSupport", "TestSupport"]),
    tests("Tensors", ["CKernels", "Support", "TestSupport"]),
    tests("Compression", ["Support", "TestSupport"]),
    tests("Checkpoints", ["Compression", "Support", "TestSupport", "CFaults"]),
    tests("Statistics", ["Support"]),
    tests("Tokenizers", ["Dialogues", "Jinja", "Support"]),
    tests("Jinja", ["Support"]),
    tests("Datasets", ["Dialogues", "Support", "TestSupport"]),
    tests("Models", ["Tensors", "Checkpoints", "Support", "TestSupport"]),
    tests(
      "Interchange",
      [
        "Training", "Checkpoints", "Models", "Tensors", "Tokenizers", "Dialogues", "Jinja", "Support",
        "TestSupport",
      ]),
    tests("Training", ["Models", "Tensors", "Statistics", "Support", "TestSupport"]),
    tests("World", ["Dialogues", "Support"]),
    tests("Runs", ["Support", "TestSupport"]),
    tests("Reports", ["Runs", "Support", "TestSupport"]),
    tests(
      "Inference",
      ["Checkpoints", "Models", "Tensors", "Datasets", "Tokenizers", "Dialogues", "Support", "TestSupport"]),
    tests("Evaluation", ["Dialogues"]),
    tests(
      "Stages",
      [
        "Diagnostics", "Evaluation", "Inference", "Training", "World", "Runs", "Checkpoints", "Models", "Tokenizers", "Dialogues",
        "Support", "TestSupport",
      ]),
    tests("Diagnostics", ["Stages", "Inference", "Datasets", "Tokenizers", "Support", "TestSupport"]),
    tests(
      "Studies",
      ["Stages", "Evaluation", "Inference", "World", "Runs", "Dialogues", "Statistics", "Support", "TestSupport"]),
    .testTarget(
      name: "CommandTests",
      dependencies: ["Support", "Checkpoints", "Compression", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu2x
)
