using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests.Sources;

public class ReconnectTests(TestBrowsers browsers)
{
    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox, Traits = ["Category", "Matrix"])]
    public async Task After_cuts_it_resumes_and_nothing_is_lost_or_doubled(BrowserKind kind)
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(site.Url);
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(kind), network.Url, News.Stream);
        await reader.WaitForEventAsync("open");
        var publishing = site.PublishAsync(Enumerable.Range(1, 400));

        for (var cut = 1; cut <= 2; cut++)
        {
            await reader.WaitForMessagesAsync(50 * cut);
            network.Cut();
            await reader.WaitForEventAsync("open", 1 + cut);
        }
        await publishing;
        await reader.WaitForMessagesAsync(400);

        Assert.Equal(Enumerable.Range(1, 400).Select(number => $"{number}"), (await reader.ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal(400, (await reader.IdsAsync()).Distinct().Count());
        var events = await reader.EventsAsync();
        Assert.Equal(["open", "reconnecting", "error", "open", "reconnecting", "error", "open"], events.Select(happened => happened.Type));
        Assert.All(events.Where(happened => happened.Type == "reconnecting"), happened =>
        {
            Assert.Equal("disconnected", happened.Reason);
            Assert.InRange(happened.Delay!.Value, 250, 30_250);
            Assert.Equal(0, happened.ReadyState);
        });
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task After_a_restart_it_tells_that_history_starts_anew_and_goes_on()
    {
        var first = new Site(services => services.AddComet(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first.Url);
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), network.Url, News.Stream);
        await reader.WaitForEventAsync("open");
        await first.PublishAsync("before");
        await reader.WaitForMessagesAsync(1);

        await first.DisposeAsync();
        await using var second = new Site();
        network.LeadTo(second.Url);
        await second.PublishAsync("too early for the page");
        await reader.WaitForEventAsync("gap");
        await second.PublishAsync("after");
        await reader.WaitForMessagesAsync(2);

        Assert.Equal(["before", "after"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
        var events = await reader.EventsAsync();
        Assert.Equal("shutting-down", events.First(happened => happened.Type == "reconnecting").Reason);
        Assert.Single(events, happened => happened.Type == "gap");
        Assert.DoesNotContain(events, happened => happened.Type == "closed");
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task It_notices_a_connection_that_went_silent()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(250)));
        await using var network = new TcpProxy(site.Url);
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), network.Url, News.Stream);
        await reader.WaitForEventAsync("open");
        await site.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);

        network.Silence();
        await site.PublishAsync("2");
        await reader.WaitForEventAsync("reconnecting");
        network.Open();
        await reader.WaitForMessagesAsync(2);

        Assert.Equal(["1", "2"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal("silent", (await reader.EventsAsync()).First(happened => happened.Type == "reconnecting").Reason);
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task Heartbeats_keep_a_quiet_stream_open()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(250)));
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), site.Url, News.Stream);
        await reader.WaitForEventAsync("open");

        await reader.Page.EvaluateAsync("() => new Promise(done => setTimeout(done, 3000))"); // a dead connection is given up after 2.5 s

        Assert.Equal(["open"], await reader.EventTypesAsync());
        await reader.Page.CloseAsync();
    }
}
