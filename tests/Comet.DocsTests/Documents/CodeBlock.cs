namespace Comet.DocsTests.Documents;

/// <summary>A fenced block.</summary>
/// <param name="Document">Where it stands.</param>
/// <param name="Language">What follows the fence, or nothing.</param>
/// <param name="Line">The number of its first line.</param>
/// <param name="Text">What is in it.</param>
/// <param name="Given">
/// What the code around a C# snippet has declared, as a list of parameters: <c>[//]: # (given: Feed&lt;Announcement&gt; announcements)</c>
/// in the line above the block. That is the definition of a link, which no page shows, not even where HTML comments are shown as text.
/// </param>
internal sealed record CodeBlock(Document Document, string Language, int Line, string Text, string Given)
{
    public override string ToString() => $"{Document.Path}:{Line}";
}
