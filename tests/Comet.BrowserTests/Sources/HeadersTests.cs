using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests.Sources;

/// <summary>What a page adds to the requests of its source.</summary>
[Trait("Category", "Matrix")]
public class HeadersTests(Site site, TestBrowsers browsers) : IClassFixture<Site>
{
    private const string Stream = "/test/streams/authorization";

    [Theory]
    [InlineData("fetch", false)]
    [InlineData("fetch", true)]
    [InlineData("poll", false)]
    public async Task They_are_an_object(string transport, bool shared)
    {
        var headers = new { Authorization = "Bearer a" };
        var page = await browsers.OpenTabAsync();

        var reader = await Reader.OpenAsync(page, site.Url, Stream, new { transport, shared, headers });
        await reader.WaitForMessagesAsync(1);

        Assert.Equal("Bearer a", (await reader.ValuesAsync<string>())[0]);
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_function_gives_them_whenever_it_connects()
    {
        await using var network = new TcpProxy(site.Url);
        var page = await browsers.OpenTabAsync();

        var reader = await Reader.OpenAsync(page, network.Url, Stream, """
            {
              headers: async () => {
                await new Promise(done => setTimeout(done, 10));
                window.tokens = (window.tokens ?? 0) + 1;
                return { Authorization: `Bearer ${tokens}` };
              },
            }
            """);
        await reader.WaitForMessagesAsync(1);
        network.Cut();
        await reader.WaitForMessagesAsync(2);

        Assert.Equal(["Bearer 1", "Bearer 2"], await reader.ValuesAsync<string>());
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_function_that_fails_is_told_and_asked_again()
    {
        var page = await browsers.OpenTabAsync();

        var reader = await Reader.OpenAsync(page, site.Url, Stream, """
            {
              headers: async () => {
                window.tokens = (window.tokens ?? 0) + 1;
                if (tokens === 1) throw new Error('no token yet');
                return { Authorization: `Bearer ${tokens}` };
              },
            }
            """);
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(["Bearer 2"], await reader.ValuesAsync<string>());
        Assert.Equal(["reconnecting 0", "error 0", "open 1", "message 1"], await reader.ToldAsync());
        Assert.Equal("unreachable", (await reader.EventsAsync())[0].Reason);
        await page.CloseAsync();
    }
}
