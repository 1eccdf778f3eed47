import Testing

@testable import Recipe
