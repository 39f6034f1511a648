namespace Comet.DocsTests.Documents;

/// <summary>A fenced block.</summary>
/// <param name="Document">Where it stands.</param>
/// <param name="Language">What follows the fence, or nothing.</param>
/// <param name="Line">The number of its first line.</param>
/// <param name="Text">What is in it.</param>
/// <param name="Given">
/// What the code around a C# snippet has declared, as a list of parameters: <c>&lt;!-- given: Feed&lt;Announcement&gt; announcements --&gt;</c>
/// in the line above the block, which no reader of the page sees.
/// </param>
internal sealed record CodeBlock(Document Document, string Language, int Line, string Text, string Given)
{
    public override string ToString() => $"{Document.Path}:{Line}";
}
