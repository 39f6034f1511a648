using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Sources;

/// <summary>What may happen to the frame that a CometSource reads through.</summary>
[Trait("Category", "Matrix")]
public class FrameTests(TestBrowsers browsers)
{
    private static readonly object Pinned = new { transport = "frame" };

    [Fact]
    public async Task A_page_that_replaces_its_body_keeps_it()
    {
        await using var site = new Site();
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), site.Url, News.Stream, Pinned);
        await reader.WaitForEventAsync("open");

        await reader.Page.EvaluateAsync("() => document.body.replaceWith(document.createElement('body'))");
        await site.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(["open 1", "message 1"], await reader.ToldAsync());
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task A_page_that_moves_it_loses_and_repeats_nothing(BrowserKind kind)
    {
        await using var site = new Site();
        var reader = await Reader.OpenAsync(
            await browsers.OpenTabAsync(kind), site.Url, News.Stream, new { from = "earliest", transport = "frame" });
        await reader.WaitForEventAsync("open");
        await site.PublishAsync("1");
        await site.PublishAsync("2");
        await reader.WaitForMessagesAsync(2);

        // The browser loads the frame again, from the address it began with.
        await reader.Page.EvaluateAsync("() => document.body.append(document.querySelector('iframe'))");
        await reader.WaitForEventAsync("open", 2);
        await site.PublishAsync("3");
        await reader.WaitForMessagesAsync(3);

        Assert.Equal(["1", "2", "3"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal(["open", "reconnecting", "error", "open"], await reader.EventTypesAsync());
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task A_reset_in_mid_stream_is_told_and_leaves_the_heartbeat_as_it_was()
    {
        await using var site = new Site();
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(PageFault.ShiftedClock);
        var reader = await Reader.OpenAsync(page, site.Url, ToldStream.Of(
            new { type = "open", id = "e-1", heartbeat = 60_000 },
            new { type = "open", id = "e-9", recovered = false }), Pinned);
        await reader.WaitForEventAsync("gap");

        await page.EvaluateAsync("() => { ahead += 60_000; }");
        await page.EvaluateAsync("() => new Promise(done => setTimeout(done, 2500))"); // it looks every second

        Assert.Equal(["open 1", "gap 1"], await reader.ToldAsync());
        Assert.Equal("e-9", await page.EvaluateAsync<string>("() => reader.source.lastEventId"));
        // All of the silence again: what it saw of the stream, it may have seen after the clock's first jump.
        await page.EvaluateAsync("() => { ahead += 100_000; }");
        await reader.WaitForEventAsync("reconnecting");
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_page_that_was_busy_takes_what_came_before_it_calls_the_stream_silent()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(250)));
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(PageFault.ShiftedClock);
        var reader = await Reader.OpenAsync(page, site.Url, News.Stream, Pinned);
        await reader.WaitForEventAsync("open");

        for (var i = 0; i < 3; i++)
        {
            // Longer than the second after which it looks again; by its clock, as long as no silence may last.
            await page.EvaluateAsync("() => { const end = performance.now() + 1200; while (performance.now() < end); ahead += 3000; }");
            await site.PublishAsync($"{i}");
            await reader.WaitForMessagesAsync(i + 1);
        }

        Assert.Equal(["open"], await reader.EventTypesAsync());
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task A_page_that_comes_back_from_the_cache_connects_anew()
    {
        await using var site = new Site();
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), site.Url, News.Stream, Pinned);
        await reader.WaitForEventAsync("open");
        await reader.Page.EvaluateAsync("() => { window.before = document.querySelector('iframe'); }");

        await reader.Page.EvaluateAsync("() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
        await site.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);

        Assert.False(await reader.Page.EvaluateAsync<bool>("() => before.isConnected"));
        Assert.Equal("1", Assert.Single(await reader.ValuesAsync<News>()).Text);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
        await reader.Page.CloseAsync();
    }
}
