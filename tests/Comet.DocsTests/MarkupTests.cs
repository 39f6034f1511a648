using System.Text.Json;
using System.Text.RegularExpressions;
using AngleSharp.Html.Parser;
using Comet.DocsTests.Documents;

namespace Comet.DocsTests;

public partial class MarkupTests
{
    private const string Page = "<!DOCTYPE html><html lang=\"en\"><head><title>Page</title></head><body>";

    public static TheoryData<string> Pages => [.. Document.All.Select(document => document.Path)];

    public static TheoryData<string> Html => Document.BlocksIn("html");

    public static TheoryData<string> Json => Document.BlocksIn("json");

    [Theory]
    [MemberData(nameof(Html))]
    public void Every_piece_of_HTML_is_well_formed(string block)
    {
        var text = Document.GetBlock(block).Text;
        var parser = new HtmlParser(new HtmlParserOptions { IsStrictMode = true }); // throws at the first error

        using var document = parser.ParseDocument(text.StartsWith("<!DOCTYPE", StringComparison.Ordinal) ? text : Page + text);

        Assert.NotEmpty(document.Body!.Children);
    }

    [Theory]
    [MemberData(nameof(Json))]
    public void Every_piece_of_JSON_is_well_formed(string block)
    {
        var text = Document.GetBlock(block).Text;

        using var json = JsonDocument.Parse(text.StartsWith('{') ? text : $"{{{text}}}");

        Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_address_of_a_page_holds_under_a_path_base(string document)
    {
        var absolute = Document.Get(document).Blocks.Where(block => block.Language is not ("sh" or "nginx"))
            .SelectMany(block => Absolute().Matches(block.Text).Select(match => $"{block}: {match.Value}"));

        Assert.Empty(absolute);
    }

    // An element's or a request's, from the root of the host.
    [GeneratedRegex("""(?:\b(?:src|href|action)=|\b(?:fetch|\w+Source|Worker)\()\s*["'`]/[^"'`]*""")]
    private static partial Regex Absolute();
}
