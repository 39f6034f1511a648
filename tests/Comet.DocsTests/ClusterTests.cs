using System.Net;
using System.Net.Http.Headers;
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
    [InlineData("GET", "/error/503")]
    [InlineData("GET", "/announcements/stream")] // refused, as both servers are full
    [InlineData("POST", "/nothing", "status=204")] // a status that has no body
    [InlineData("GET", "/nothing", "status=304")]
    [InlineData("POST", "/announcements", "status=205")]
    [InlineData("POST", "/error/404", "status=0")]
    [InlineData("POST", "/nothing", "status=503")]
    [InlineData("POST", "/nothing", "no form", "multipart/form-data; boundary=x")]
    public async Task No_answer_of_the_app_takes_a_server_out(
        string method, string path, string? body = null, string type = "application/x-www-form-urlencoded")
    {
        await using var one = new FullApp();
        await using var other = new FullApp();
        using var held = await HoldStreamAsync(one.Url);
        using var alsoHeld = await HoldStreamAsync(other.Url);

        var answers = await VisitAsync(one, other, HttpStatusCode.OK, () => new(new HttpMethod(method), path)
        {
            Content = body is null ? null : new StringContent(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } },
        });

        Assert.All(answers, status => Assert.InRange((int)status, 400, 503));
    }

    [Fact]
    public async Task A_redirect_as_long_as_the_longest_address_takes_no_server_out()
    {
        await using var one = new HttpsApp();
        await using var other = new HttpsApp();

        var answers = await VisitAsync(
            one, other, HttpStatusCode.TemporaryRedirect, static () => new(HttpMethod.Get, "/?" + new string('a', 8000)));

        Assert.All(answers, static status => Assert.Equal(HttpStatusCode.TemporaryRedirect, status));
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

    // Asks for what may take a server out, and for the first page, by turns. Returns the answers to the former.
    private static async Task<List<HttpStatusCode>> VisitAsync(
        FullApp one, FullApp other, HttpStatusCode expected, Func<HttpRequestMessage> bad)
    {
        await using var nginx = await Nginx.StartAsync(new Uri(one.Url), new Uri(other.Url));
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = nginx.Url };
        var (answers, pages) = (new List<HttpStatusCode>(), new List<HttpStatusCode>());
        for (var i = 0; i < Visits; i++)
        {
            using var request = bad();
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            answers.Add(answer.StatusCode);
            await Task.Delay(Pause);
            using var page = await client.GetAsync("/");
            pages.Add(page.StatusCode);
            await Task.Delay(Pause);
        }
        Assert.Equal([(expected, Visits)], pages.CountBy(status => status).Select(count => (count.Key, count.Value)));
        return answers;
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
    private class FullApp : KestrelApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder) =>
            builder.UseSetting("Comet:MaxStreams", "1").UseSetting("Comet:Feeds:announcements:InMemory", "true");
    }
    /// <summary>The same in Production, which sends its visitors to HTTPS.</summary>
    private sealed class HttpsApp : FullApp
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            base.ConfigureWebHost(builder);
            builder.UseEnvironment("Production").UseSetting("https_port", "443");
        }
    }
}
