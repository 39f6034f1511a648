using System.Reflection;
using System.Text.RegularExpressions;

namespace Comet.DocsTests.Documents;

/// <summary>One Markdown file of the repository.</summary>
internal sealed partial class Document
{
    private Document(string path)
    {
        Path = path;
        Lines = File.ReadAllLines(System.IO.Path.Combine(Repository, path));
        Blocks = [.. FindBlocks()];
    }

    internal static string Repository { get; } = System.IO.Path.GetFullPath(typeof(Document).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Repository").Value!);

    internal static IReadOnlyList<Document> All { get; } = [.. Find().Order(StringComparer.Ordinal).Select(path => new Document(path))];

    /// <summary>From the root of the repository.</summary>
    internal string Path { get; }

    internal string[] Lines { get; }

    internal IReadOnlyList<CodeBlock> Blocks { get; }

    internal static Document Get(string path) => All.Single(document => document.Path == path);

    private static IEnumerable<CodeBlock> AllBlocks => All.SelectMany(document => document.Blocks);

    /// <summary>The blocks in a language, of all documents; as a theory takes them, by path and line.</summary>
    internal static TheoryData<string> BlocksIn(string language) =>
        [.. AllBlocks.Where(block => block.Language == language).Select(block => block.ToString())];

    internal static CodeBlock GetBlock(string name) => AllBlocks.Single(block => block.ToString() == name);

    /// <summary>The cells of the table that follows a line, without its head.</summary>
    internal IEnumerable<string[]> TableAfter(string line)
    {
        var at = Array.IndexOf(Lines, line);
        Assert.True(at >= 0, $"{Path} has no line {line}");
        return Lines[(at + 1)..].SkipWhile(text => !text.StartsWith('|')).TakeWhile(text => text.StartsWith('|')).Skip(2)
            .Select(row => row.Trim().Trim('|').Split('|', StringSplitOptions.TrimEntries));
    }

    public override string ToString() => Path;

    private static IEnumerable<string> Find() =>
        from folder in (string[])["", "docs", "content", .. Directory.EnumerateDirectories(System.IO.Path.Combine(Repository, "src"))]
        from file in Directory.EnumerateFiles(System.IO.Path.Combine(Repository, folder), "*.md")
        select System.IO.Path.GetRelativePath(Repository, file).Replace('\\', '/');

    private IEnumerable<CodeBlock> FindBlocks()
    {
        for (var i = 0; i < Lines.Length; i++)
        {
            if (!Lines[i].StartsWith("```", StringComparison.Ordinal))
            {
                continue;
            }
            var end = Array.FindIndex(Lines, i + 1, line => line == "```");
            Assert.True(end > 0, $"{Path}:{i + 1} begins a block that does not end.");
            var given = i > 0 ? Given().Match(Lines[i - 1]).Groups[1].Value : "";
            yield return new CodeBlock(this, Lines[i][3..].Trim(), i + 2, string.Join('\n', Lines[(i + 1)..end]), given);
            i = end;
        }
    }

    [GeneratedRegex(@"^\[//\]: # \(given: (.*)\)$")]
    private static partial Regex Given();
}
