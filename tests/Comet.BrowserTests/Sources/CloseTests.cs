using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>What is closed, or refused, leaves nothing: no frame, no timer, no lock, no connection, no memory.</summary>
public class CloseTests(Site site, TestBrowsers browsers) : IClassFixture<Site>
{
    // Counts what a page holds on to, and asks the browser for the rest.
    private const string Count = """
        (() => {
          const timers = new Set();
          for (const kind of ['Timeout', 'Interval']) {
            const [set, clear] = [window[`set${kind}`], window[`clear${kind}`]];
            window[`set${kind}`] = (action, ...rest) => {
              const id = set(() => { if (kind === 'Timeout') timers.delete(id); action(); }, ...rest);
              timers.add(id);
              return id;
            };
            window[`clear${kind}`] = id => { timers.delete(id); clear(id); };
          }
          window.leftBehind = () => [timers.size, document.querySelectorAll('iframe').length].join();
        })();
        """;

    private const string Nothing = "0,0";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Close_leaves_nothing_behind(bool shared)
    {
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(Count);
        var reader = await Reader.OpenAsync(page, site.Url, News.Stream, new { shared });
        await reader.WaitForEventAsync("open");
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "an open stream");
        Assert.NotEqual(Nothing, await LeftBehindAsync(page));

        await reader.CloseSourceAsync();

        await AssertNothingLeftAsync(page);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 0, "no open stream");
        Assert.Equal(2, await page.EvaluateAsync<int>("() => reader.source.readyState"));
        Assert.Equal(["open"], await reader.EventTypesAsync());
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Close_before_anything_has_happened_leaves_nothing_behind(bool shared)
    {
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(Count);
        var reader = await Reader.OpenAsync(page, site.Url, News.Stream, new { shared });
        await page.EvaluateAsync(
            "([stream, init]) => new CometSource(stream, init).close()",
            new object[] { News.Stream + "?other", new { shared } });
        await reader.CloseSourceAsync();
        await page.EvaluateAsync("() => new Promise(done => setTimeout(done, 300))"); // what was begun before would show by now

        await AssertNothingLeftAsync(page);
        Assert.Equal(0, await page.EvaluateAsync<int>("() => frames.length"));
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Opening_and_closing_many_times_leaves_no_memory_behind(bool shared)
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/test/empty");
        var developerTools = await page.Context.NewCDPSessionAsync(page);
        await OpenAndCloseAsync(5);
        var before = await developerTools.CountAsync();

        await OpenAndCloseAsync(20);

        // Of the frame closed last, a browser may keep a little for a while.
        var after = await developerTools.CountAsync();
        Assert.InRange(after.Documents, 1, before.Documents + 1);
        Assert.InRange(after.Nodes, 1, before.Nodes + 20);
        Assert.InRange(after.Listeners, 0, before.Listeners + 4);
        await page.CloseAsync();

        Task OpenAndCloseAsync(int times) => page.EvaluateAsync("""
            async ([stream, shared, times]) => {
              for (let i = 0; i < times; i++) {
                const source = new CometSource(stream, { shared });
                await new Promise(open => source.onopen = open);
                source.close();
              }
            }
            """, new object[] { News.Stream, shared, times }).WaitAsync(Eventually.Patience);
    }

    [Theory]
    [InlineData(BrowserKind.Chromium, 204, false)]
    [InlineData(BrowserKind.Chromium, 400, false, Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Chromium, 410, false, Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Chromium, 401, false, Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Chromium, 403, false)]
    [InlineData(BrowserKind.Chromium, 403, true)]
    [InlineData(BrowserKind.Firefox, 403, false, Traits = ["Category", "Matrix"])]
    public async Task A_refusal_is_final(BrowserKind kind, int status, bool shared)
    {
        var page = await browsers.OpenTabAsync(kind);
        await page.AddInitScriptAsync(Count);
        var reader = await Reader.OpenAsync(page, site.Url, $"/test/streams/refused/{status}", new { shared });

        await reader.WaitForEventAsync("error");

        Assert.Equal([new("closed", "refused", status, null, 2), new("error", null, null, null, 2)], await reader.EventsAsync());
        await AssertNothingLeftAsync(page);
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_redirect_as_to_a_sign_in_page_is_a_refusal()
    {
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(), site.Url, "/test/streams/refused/302");

        await reader.WaitForEventAsync("error");

        Assert.Equal([new("closed", "refused", 401, null, 2), new("error", null, null, null, 2)], await reader.EventsAsync());
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task A_stream_that_is_complete_is_final()
    {
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(Count);
        var reader = await Reader.OpenAsync(page, site.Url, "/test/streams/strings");

        await reader.WaitForEventAsync("error");

        Assert.Equal(
            [new("open", null, null, null, 1), new("closed", "completed", null, null, 2), new("error", null, null, null, 2)],
            await reader.EventsAsync());
        await AssertNothingLeftAsync(page);
        await page.CloseAsync();
    }

    private static Task AssertNothingLeftAsync(IPage page) =>
        Eventually.HoldsAsync(async () => await LeftBehindAsync(page) == Nothing, "nothing left behind");

    private static Task<string> LeftBehindAsync(IPage page) => page.EvaluateAsync<string>("() => leftBehind()");
}
