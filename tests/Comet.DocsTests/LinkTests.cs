using System.Text.RegularExpressions;
using Comet.DocsTests.Documents;

namespace Comet.DocsTests;

public partial class LinkTests
{
    public static TheoryData<string> Documents => [.. Document.All.Select(document => document.Path)];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_leads_somewhere(string path)
    {
        var document = Document.Get(path);
        var broken =
            from match in Target().Matches(string.Join('\n', document.Lines))
            let link = match.Groups[1].Value
            where !link.Contains("://", StringComparison.Ordinal) && !Leads(document, link)
            select link;

        Assert.Empty(broken);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_path_of_the_repository_is_there(string path)
    {
        var missing =
            from match in RepositoryPath().Matches(string.Join('\n', Document.Get(path).Lines))
            where !Path.Exists(Path.Combine(Document.Repository, match.Value))
            select match.Value;

        Assert.Empty(missing);
    }

    private static bool Leads(Document from, string link)
    {
        var (file, anchor) = link.Split('#') is [var before, var after] ? (before, after) : (link, null);
        var path = file.Length == 0 ? from.Path : Path.Combine(Path.GetDirectoryName(from.Path)!, file);
        var full = Path.GetFullPath(Path.Combine(Document.Repository, path));
        var target = Path.GetRelativePath(Document.Repository, full).Replace('\\', '/');
        return Path.Exists(full) &&
            (anchor is null || Document.Get(target).Lines.Any(line => line.StartsWith('#') && AnchorOf(line) == anchor));
    }

    private static string AnchorOf(string heading) =>
        NoAnchor().Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Target();

    [GeneratedRegex(@"(?<=[\s`])(bench/|content/|src/Comet\.|tests/Comet)[^\s`,;:()]*")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"[^\p{L}\p{Nd} _-]")]
    private static partial Regex NoAnchor();
}
