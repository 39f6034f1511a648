using System.Diagnostics;
using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Sources;

/// <summary>CometSource in the engine of Safari, as Linux has it.</summary>
[Trait("Category", "Matrix")]
public class WebKitTests(WebKit webKit, ITestOutputHelper output) : IClassFixture<WebKit>
{
    [Theory]
    [InlineData("fetch")]
    [InlineData("poll")]
    [InlineData("frame")]
    public async Task A_break_is_told_without_a_heartbeat_that_does_not_come_and_it_goes_on_from_where_it_was(string transport)
    {
        // Silence would be told after 90 s.
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMinutes(1)));
        await using var network = new TcpProxy(site.Url);
        await OpenAsync(network.Url, News.Stream, new { transport });
        await site.PublishAsync("1");
        await webKit.WaitForAsync("reader.ids.length === 1");
        await webKit.EvaluateAsync("""
            () => { reader.source.addEventListener('reconnecting', () => { reader.toldAt ??= Date.now(); }); }
            """);

        var cutAt = 0L;
        await Eventually.HoldsAsync(
            async () =>
            {
                cutAt = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
                network.Cut(); // again, if it was between two polls
                await Task.Delay(2_000);
                return await webKit.EvaluateAsync<bool>("() => reader.toldAt > 0");
            },
            "a break that is told");
        var told = await webKit.EvaluateAsync<long>("() => reader.toldAt");
        output.WriteLine($"WebKitGTK, {transport}: told {told - cutAt} ms after a reset");
        await site.PublishAsync("2");
        await webKit.WaitForAsync("reader.ids.length === 2");

        Assert.Equal(["1", "2"], await TextsAsync());
        Assert.Equal(
            "disconnected",
            await webKit.EvaluateAsync<string>("() => reader.events.find(({ type }) => type === 'reconnecting').reason"));
    }

    [Theory]
    [InlineData("fetch")]
    [InlineData("frame")]
    public async Task It_is_told_of_the_end(string transport)
    {
        await using var site = new Site();
        await OpenAsync(site.Url, "/test/streams/doubled", new { transport });

        await webKit.WaitForAsync("reader.told.includes('closed 2')");

        Assert.Equal(["e-1", "e-2", "e-10", "f-1", "f-2"], await webKit.EvaluateAsync<string[]>("() => reader.values"));
        Assert.Equal("completed", await webKit.EvaluateAsync<string>("() => reader.events.find(({ type }) => type === 'closed').reason"));
    }

    [Fact]
    public async Task A_quiet_frame_is_not_taken_for_one_that_broke()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMinutes(1)));
        await OpenAsync(site.Url, News.Stream, new { transport = "frame" });

        await Task.Delay(2_500);
        await site.PublishAsync("1");
        await webKit.WaitForAsync("reader.ids.length === 1");

        Assert.Equal(["open 1", "message 1"], await ToldAsync());
    }

    [Fact]
    public async Task Tabs_share_a_connection()
    {
        await using var site = new Site();
        await webKit.StartAsync();
        var first = await webKit.TabAsync();
        await OpenAsync(site.Url, News.Stream, new { shared = true });
        await webKit.OpenTabAsync();
        await OpenAsync(site.Url, News.Stream, new { shared = true });
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");

        await site.PublishAsync("1");
        await webKit.WaitForAsync("reader.ids.length === 1");
        await webKit.CloseTabAsync(first);
        await webKit.WaitForAsync("reader.ids.length === 1");
        await site.PublishAsync("2");
        await webKit.WaitForAsync("reader.ids.length === 2");

        Assert.Equal(["open 1", "message 1", "message 1"], await ToldAsync());
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Theory]
    [InlineData("fetch", false)]
    [InlineData("fetch", true)]
    [InlineData("frame", false)]
    public async Task A_page_that_the_Back_button_finds_again_is_current(string transport, bool shared)
    {
        await using var site = new Site();
        await OpenAsync(site.Url, News.Stream, new { transport, shared });

        await webKit.GoToAsync(site.Url + "/test/framebuster");
        await webKit.WaitForAsync("location.pathname === '/test/framebuster'");
        if (!shared) // a worker sleeps with its page here, before it hears that it has left
        {
            await Eventually.HoldsAsync(() => site.OpenStreams() == 0, "no open stream");
        }
        await site.PublishAsync("1");
        var clock = Stopwatch.StartNew();
        await webKit.GoBackAsync();
        await webKit.WaitForAsync("window.reader?.ids.length === 1"); // a page that was loaded again has no reader
        output.WriteLine($"WebKitGTK, {transport}, shared {shared}: current {clock.ElapsedMilliseconds} ms after the Back button");

        Assert.Equal(["1"], await TextsAsync());
    }

    private async Task OpenAsync(string site, string stream, object init)
    {
        await webKit.StartAsync();
        await webKit.GoToAsync(site + "/test/empty");
        await webKit.WaitForAsync($"location.origin === '{site}' && window.CometSource && !window.reader");
        await webKit.EvaluateAsync(Reader.ScriptOf(init), stream);
        await webKit.WaitForAsync("reader.told.length > 0");
    }

    private Task<string[]> ToldAsync() => webKit.EvaluateAsync<string[]>("() => reader.told");

    private Task<string[]> TextsAsync() => webKit.EvaluateAsync<string[]>("() => reader.values.map(({ text }) => text)");
}
