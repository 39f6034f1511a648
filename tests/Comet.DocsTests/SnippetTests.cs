using Comet.DocsTests.Documents;
using Comet.DocsTests.Snippets;

namespace Comet.DocsTests;

[Trait("Category", "Matrix")]
public class SnippetTests
{
    public static TheoryData<string> Snippets => Document.BlocksIn("csharp");

    [Theory]
    [MemberData(nameof(Snippets))]
    public void Every_snippet_compiles(string snippet)
    {
        var found = SnippetCompiler.Compile(Document.GetBlock(snippet));

        Assert.True(found.Count == 0, string.Join('\n', found));
    }
}
