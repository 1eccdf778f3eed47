import Dialogues
import Testing

@testable import World

@Test("an edit of white space changes the last turn of the user and no word of it")
func edits() throws {
  let prompt = [Turn(.user, "Who is Ann?"), Turn(.assistant, "A cook."), Turn(.user, "Where is she?")]
  let edited = try Dictionary(
    uniqueKeysWithValues: PromptEdit.allCases.map { edit in
      let turns = try #require(edit.applied(to: prompt))
      #expect(Array(turns.prefix(2)) == Array(prompt.prefix(2)) && turns[2].role == .user)
      #expect(turns[2].content.filter { !$0.isWhitespace } == "Whereisshe?")
      return (edit, turns[2].content)
    })
  #expect(edited[.doubledSpaces] == "Where  is  she?")
  #expect(edited[.leadingSpace] == " Where is she?")
  #expect(edited[.trailingSpace] == "Where is she? ")
  #expect(edited[.trailingNewline] == "Where is she?\n")
  #expect(edited[.spaceBeforeMark] == "Where is she ?")
}

@Test("an edit that would change nothing is none")
func noEdit() {
  #expect(PromptEdit.doubledSpaces.applied(to: [Turn(.user, "Hello.")]) == nil)
  #expect(PromptEdit.spaceBeforeMark.applied(to: [Turn(.user, "Name two foods.")]) == nil)
  #expect(PromptEdit.trailingSpace.applied(to: [Turn(.system, "Be kind.")]) == nil)
}
