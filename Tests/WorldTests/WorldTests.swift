import Testing

@testable import World
