using System.IO.Compression;
using System.Text.Json;
using Comet.DocsTests.Documents;

namespace Comet.DocsTests;

/// <summary>
/// The client that the package serves is built from src/client and committed, so that nobody needs node to build the package.
/// </summary>
public class ServedClientTests
{
    private const int MaxBytes = 8 * 1024;

    private static string Served(string file) => Path.Combine(Document.Repository, "src/Comet.AspNetCore/wwwroot", file);

    [Fact]
    public void It_was_built_from_the_source_that_is_there()
    {
        using var map = JsonDocument.Parse(File.ReadAllText(Served("comet.js.map")));
        var sources = map.RootElement.GetProperty("sources").EnumerateArray().Select(source => source.GetString()!).ToList();
        var contents = map.RootElement.GetProperty("sourcesContent").EnumerateArray().Select(content => content.GetString()!);

        Assert.Contains("../../client/main.js", sources);
        Assert.All(sources.Zip(contents), built =>
            Assert.Equal(File.ReadAllText(Served(built.First)), built.Second)); // else: npm run build, in src/client
    }

    [Fact]
    public void It_has_at_most_8_KB_compressed()
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(File.ReadAllBytes(Served("comet.js")));
        }
        Assert.InRange(compressed.Length, 1_000, MaxBytes);
    }
}
