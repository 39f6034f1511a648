using System.Diagnostics;
using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Sources;

/// <summary>
/// Whatever stands between the browser and the server: which transport gets through, and what a page is told where none does.
/// </summary>
[Trait("Category", "Matrix")]
public class ProxyTests(TestBrowsers browsers, ITestOutputHelper output)
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(1);

    // At the pace of the slow proxy, longer than a stream may be silent.
    private static readonly string Long = new('x', 300_000);

    public static TheoryData<BrowserKind, ProxyKind, string> Ways => new(
        from browser in (BrowserKind[])[BrowserKind.Chromium, BrowserKind.Firefox]
        from way in ((ProxyKind Kind, string Transport)[])
        [
            (ProxyKind.Passes, "fetch"),
            (ProxyKind.HoldsUntilEnd, "poll"),
            (ProxyKind.HoldsUntilNext, "fetch"),
            (ProxyKind.Cuts, "fetch"),
            (ProxyKind.IsLate, "fetch"),
            (ProxyKind.IsSlow, "fetch"),
        ]
        select (browser, way.Kind, way.Transport));

    [Theory, MemberData(nameof(Ways))]
    public async Task What_gets_through_delivers_everything_once_and_stays(BrowserKind browser, ProxyKind kind, string transport)
    {
        await using var site = NewSite();
        await using var proxy = new Proxy(site.Url, kind);
        await site.PublishAsync("0");
        var clock = Stopwatch.StartNew();
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(browser), proxy.Url, News.Stream, new { from = "earliest" });

        await reader.WaitForMessagesAsync(1);
        output.WriteLine($"{browser}, {kind}: the first message after {clock.ElapsedMilliseconds} ms, by {transport}");
        await site.PublishAsync(kind == ProxyKind.IsSlow ? Long : "1");
        await reader.WaitForMessagesAsync(2);
        if (kind == ProxyKind.Cuts)
        {
            await Eventually.HoldsAsync(() => proxy.Cuts > 0, "a cut");
            await reader.WaitForEventAsync("open", 2);
        }
        await site.PublishAsync("2");
        await reader.WaitForMessagesAsync(3);
        await Eventually.HoldsAsync(() => proxy.Transports is [var only] && only == transport, $"only {transport} goes on");

        Assert.Equal(
            ["0", kind == ProxyKind.IsSlow ? Long : "1", "2"],
            (await reader.ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal(
            kind == ProxyKind.Cuts ? ["open", "reconnecting", "error", "open"] : ["open"],
            (await reader.EventTypesAsync()).Take(4));
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task A_page_that_answers_for_the_stream_is_an_error_that_says_so_and_is_asked_rarely(BrowserKind browser)
    {
        await using var site = NewSite();
        await using var proxy = new Proxy(site.Url, ProxyKind.AnswersHtml);

        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(browser), proxy.Url, News.Stream);
        await reader.WaitForEventAsync("error");

        var told = (await reader.EventsAsync())[0];
        Assert.Equal(("reconnecting", "not-a-stream", 200), (told.Type, told.Reason, told.Status));
        Assert.InRange(told.Delay!.Value, 5_000, 40_000);
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium, "auto")]
    [InlineData(BrowserKind.Chromium, "frame")]
    [InlineData(BrowserKind.Firefox, "auto")]
    [InlineData(BrowserKind.Firefox, "frame")]
    public async Task A_sign_in_page_closes_the_source_and_never_takes_the_page_away(BrowserKind browser, string transport)
    {
        await using var site = NewSite();
        await using var proxy = new Proxy(site.Url, ProxyKind.Redirects);

        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(browser), proxy.Url, News.Stream, new { transport });
        await reader.WaitForEventAsync("error");

        Assert.Equal([new("closed", "refused", 401, null, 2), new("error", null, null, null, 2)], await reader.EventsAsync());
        Assert.Equal(proxy.Url + "/test/empty", reader.Page.Url);
        await reader.Page.CloseAsync();
    }

    private static Site NewSite() => new(services => services.AddComet(comet => comet.Heartbeat = Heartbeat));
}
