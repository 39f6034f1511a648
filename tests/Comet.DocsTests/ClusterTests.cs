using System.Net;
using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;
using Comet.DocsTests.Documents;
using Comet.DocsTests.Proxies;
using Microsoft.AspNetCore.Hosting;

namespace Comet.DocsTests;

/// <summary>Two servers of the generated app behind a real nginx that has the configuration of docs/scaling.md.</summary>
[Trait("Category", "Matrix")]
public sealed partial class ClusterTests
{
    private const int Visits = 40;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData("/error/503")]
    [InlineData("/announcements/stream")] // refused, as both servers are full
    public async Task No_answer_of_the_app_takes_a_server_out(string path)
    {
        await using var one = new FullApp();
        await using var other = new FullApp();
        using var held = await HoldStreamAsync(one.Url);
        using var alsoHeld = await HoldStreamAsync(other.Url);
        await using var nginx = await Nginx.StartAsync(new Uri(one.Url), new Uri(other.Url));
        using var client = new HttpClient { BaseAddress = nginx.Url };
        var answers = new List<HttpStatusCode>();

        for (var i = 0; i < Visits; i++)
        {
            using var bad = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            Assert.NotEqual(HttpStatusCode.OK, bad.StatusCode);
            await Task.Delay(Pause);
            using var page = await client.GetAsync("/");
            answers.Add(page.StatusCode);
            await Task.Delay(Pause);
        }

        Assert.Equal([(HttpStatusCode.OK, Visits)], answers.CountBy(status => status).Select(count => (count.Key, count.Value)));
    }

    [Fact]
    public async Task A_server_that_has_died_costs_no_visitor_anything()
    {
        await using var one = new FullApp();
        await using var nginx = await Nginx.StartAsync(new Uri(one.Url), new Uri("http://127.0.0.1:1"));
        using var client = new HttpClient { BaseAddress = nginx.Url };

        for (var i = 0; i < 10; i++)
        {
            using var page = await client.GetAsync("/");
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        }
    }

    [Fact]
    public void The_documented_configuration_is_the_one_that_was_measured()
    {
        var documented = Assert.Single(Document.Get("docs/scaling.md").Blocks, block => block.Language == "nginx").Text;
        var measured = File.ReadAllText(Path.Combine(Document.Repository, "bench/Cluster/nginx.conf"));

        Assert.Equal(Directives(Location(documented)), Directives(Location(measured)));
        // The bench writes the servers itself.
        var nginx = File.ReadAllText(Path.Combine(Document.Repository, "bench/Shared/Nginx.cs"));
        Assert.All(
            ServerParameters().Matches(documented).Select(server => server.Groups[1].Value),
            parameters => Assert.Contains($"{{server.Authority}} {parameters}", nginx, StringComparison.Ordinal));
    }

    private static async Task<HttpResponseMessage> HoldStreamAsync(string url)
    {
        using var client = new HttpClient();
        var stream = await client.GetAsync(url + "/announcements/stream", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        return stream;
    }

    private static string Location(string configuration)
    {
        var from = configuration.IndexOf("location / {", StringComparison.Ordinal);
        return configuration[from..configuration.IndexOf('}', from)];
    }

    private static IEnumerable<string> Directives(string block) =>
        block.Split('\n').Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0);

    [GeneratedRegex(@"server [\d.:]+ ([^;]+;)")]
    private static partial Regex ServerParameters();

    /// <summary>The generated app, which takes one stream.</summary>
    private sealed class FullApp : KestrelApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder) =>
            builder.UseSetting("Comet:MaxStreams", "1").UseSetting("Comet:Feeds:announcements:InMemory", "true");
    }
}
