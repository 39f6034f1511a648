using System.Diagnostics;
using Comet.AspNetCore;
using Comet.AspNetCore.Testing;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>What pages go through: they are left and found again, frozen, offline, asleep.</summary>
[Trait("Category", "Matrix")]
public class LifeTests(TestBrowsers browsers, ITestOutputHelper output)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_page_that_the_Back_button_finds_again_is_current_and_was_told_of_nothing(bool shared)
    {
        await using var site = new Site();
        var options = await BrowserFixture.LaunchOptionsAsync();
        options.IgnoreDefaultArgs = ["--disable-back-forward-cache"]; // which Playwright switches off
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(options);
        var page = await browser.NewPageAsync();
        var reader = await Reader.OpenAsync(page, site.Url, News.Stream, new { shared });
        await reader.WaitForEventAsync("open");

        await page.GotoAsync(site.Url + "/test/framebuster");
        await Eventually.HoldsAsync(() => site.OpenStreams() == 0, "no open stream");
        await site.PublishAsync("1");
        var clock = Stopwatch.StartNew();
        await page.GoBackAsync(new() { WaitUntil = WaitUntilState.Commit });
        await reader.WaitForMessagesAsync(1); // a page that was loaded again has no reader
        output.WriteLine($"shared {shared}: current {clock.ElapsedMilliseconds} ms after the Back button");

        Assert.Equal(["open 1", "message 1"], await reader.ToldAsync());
    }

    [Theory]
    [InlineData(false, "pagehide", "pageshow")]
    [InlineData(true, "pagehide", "pageshow")]
    [InlineData(false, "freeze", "resume")]
    [InlineData(true, "freeze", "resume")]
    public async Task A_page_that_is_put_aside_reads_nothing_and_goes_on_from_where_it_was(bool shared, string aside, string back)
    {
        await using var site = new Site();
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), site.Url, News.Stream, new { shared });
        await reader.WaitForEventAsync("open");

        await DispatchAsync(reader, aside);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 0, "no open stream");
        await site.PublishAsync("1");
        await DispatchAsync(reader, back);
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(["open 1", "message 1"], await reader.ToldAsync());
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_a_network_it_is_told_at_once_and_with_one_it_is_back_at_once(bool shared)
    {
        await using var site = new Site();
        var page = await browsers.OpenTabAsync();
        var reader = await Reader.OpenAsync(page, site.Url, News.Stream, new { shared });
        await reader.WaitForEventAsync("open");

        var clock = Stopwatch.StartNew();
        await page.EvaluateAsync("() => dispatchEvent(new Event('offline'))");
        await reader.WaitForEventAsync("reconnecting");
        output.WriteLine($"shared {shared}: told {clock.ElapsedMilliseconds} ms after the network went");
        await site.PublishAsync("1");
        clock.Restart();
        await page.EvaluateAsync("() => dispatchEvent(new Event('online'))");
        await reader.WaitForMessagesAsync(1);
        output.WriteLine($"shared {shared}: current {clock.ElapsedMilliseconds} ms after it came back");

        Assert.Equal(["open 1", "reconnecting 0", "error 0", "open 1", "message 1"], await reader.ToldAsync());
        Assert.Equal("offline", (await reader.EventsAsync()).First(happened => happened.Type == "reconnecting").Reason);
        await page.CloseAsync();
    }

    [Fact]
    public async Task After_a_sleep_it_tries_another_connection_beside_the_one_it_has_and_nobody_notices()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMinutes(1)));
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync("""
            window.slept = 0;
            const time = Date.now;
            Date.now = () => time() + slept;
            """);
        var requests = 0;
        page.Request += (_, request) => requests += request.Url.EndsWith(News.Stream, StringComparison.Ordinal) ||
            request.Url.Contains(News.Stream + "?", StringComparison.Ordinal) ? 1 : 0;
        var reader = await Reader.OpenAsync(page, site.Url, News.Stream);
        await reader.WaitForEventAsync("open");
        Assert.Equal(1, requests);

        await page.EvaluateAsync("() => { slept = 3_600_000; }");
        await Eventually.HoldsAsync(() => requests == 2, "a second request");
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
        await site.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(["open 1", "message 1"], await reader.ToldAsync());
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_page_that_is_rendered_ahead_connects_when_it_is_seen(bool shared)
    {
        await using var site = new Site();
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync("Object.defineProperty(document, 'prerendering', { value: true, configurable: true });");
        var reader = await Reader.OpenAsync(page, site.Url, News.Stream, new { shared });

        await page.EvaluateAsync("() => new Promise(done => setTimeout(done, 300))");
        Assert.Equal(0, site.OpenStreams());
        await page.EvaluateAsync("() => document.dispatchEvent(new Event('prerenderingchange'))");

        await reader.WaitForEventAsync("open");
        await page.CloseAsync();
    }

    private static Task DispatchAsync(Reader reader, string type) => reader.Page.EvaluateAsync("""
        type => type.startsWith('page')
          ? dispatchEvent(new PageTransitionEvent(type, { persisted: true }))
          : document.dispatchEvent(new Event(type))
        """, type);
}
