using System.Diagnostics;
using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Sources;

/// <summary>A page is told at once of a connection that breaks, in whatever way it reads.</summary>
[Trait("Category", "Matrix")]
public class BreakTests(TestBrowsers browsers, ITestOutputHelper output)
{
    public static TheoryData<BrowserKind, string> Ways => new(
        from browser in (BrowserKind[])[BrowserKind.Chromium, BrowserKind.Firefox]
        from transport in (string[])["fetch", "frame", "poll"]
        select (browser, transport));

    [Theory, MemberData(nameof(Ways))]
    public async Task By_no_heartbeat_that_does_not_come(BrowserKind browser, string transport)
    {
        // Silence would be told after 90 s.
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMinutes(1)));
        await using var network = new TcpProxy(site.Url);
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(browser), network.Url, News.Stream, new { transport });
        await reader.WaitForEventAsync("open");
        await site.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);

        var clock = Stopwatch.StartNew();
        await Eventually.HoldsAsync(
            async () =>
            {
                network.Cut(); // again, if it was between two polls
                return (await reader.EventTypesAsync()).Contains("reconnecting");
            },
            "a break that is told");
        output.WriteLine($"{browser}, {transport}: told {clock.ElapsedMilliseconds} ms after a reset");
        await site.PublishAsync("2");
        await reader.WaitForMessagesAsync(2);

        Assert.Equal("disconnected", (await reader.EventsAsync()).First(happened => happened.Type == "reconnecting").Reason);
        Assert.Equal(["1", "2"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
        await reader.Page.CloseAsync();
    }
}
