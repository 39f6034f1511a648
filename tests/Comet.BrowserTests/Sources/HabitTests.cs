using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests.Sources;

/// <summary>What whoever knows EventSource expects, and what CometSource has beside it.</summary>
public class HabitTests(Site site, TestBrowsers browsers) : IClassFixture<Site>
{
    private const string Refused = "/test/streams/refused/";

    [Fact]
    public async Task A_function_that_is_handler_and_listener_runs_twice_and_in_the_order_of_the_first_handler()
    {
        var calls = await RunAsync<string[]>("""
            async stream => {
              const source = new CometSource(stream, { from: '' });
              const calls = [];
              const both = () => calls.push('both');
              source.onmessage = () => calls.push('replaced');
              source.addEventListener('message', both);
              source.onmessage = both;
              source.addEventListener('message', () => calls.push('last'));
              await new Promise(done => source.addEventListener('message', done));
              source.onmessage = null;
              source.close();
              return [...calls, String(source.onmessage)];
            }
            """, ToldStream.Of(new { type = "open" }, new { type = "message", data = 1 }));

        Assert.Equal(["both", "both", "last", "null"], calls);
    }

    [Fact]
    public async Task Whoever_closes_it_in_a_handler_is_told_no_more()
    {
        var told = await RunAsync<string[]>("""
            async stream => {
              const source = new CometSource(stream);
              const told = [];
              for (const type of ['reconnecting', 'error', 'statechange']) {
                source.addEventListener(type, () => told.push(`${type} ${source.readyState}`));
              }
              await new Promise(done => source.addEventListener('reconnecting', () => { source.close(); setTimeout(done, 300); }));
              return told;
            }
            """, Refused + "503");

        Assert.Equal(["reconnecting 0", "statechange 2"], told);
    }

    [Fact]
    public async Task It_tells_of_every_state_and_goes_on_from_where_it_was_when_it_is_told_to()
    {
        await using var own = new Site();
        var page = await browsers.OpenTabAsync();
        var reader = await Reader.OpenAsync(page, own.Url, News.Stream);
        await page.EvaluateAsync("""
            () => {
              window.states = [];
              reader.source.addEventListener('statechange', () => states.push(reader.source.readyState));
            }
            """);
        await reader.WaitForEventAsync("open");
        await own.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);

        await reader.CloseSourceAsync();
        await own.PublishAsync("2");
        await page.EvaluateAsync("""
            () => {
              reader.source.reconnect();
              reader.source.onopen = event => { window.recovered = event.recovered; };
            }
            """);
        await reader.WaitForMessagesAsync(2);

        Assert.Equal(["1", "2"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
        Assert.EndsWith("2,0,1", await page.EvaluateAsync<string>("() => states.join()"), StringComparison.Ordinal);
        Assert.True(await page.EvaluateAsync<bool>("() => recovered"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_the_server_says_of_a_refusal_reaches_the_page()
    {
        var said = await RunAsync<string>("""
            stream => new Promise(done => new CometSource(stream).addEventListener('closed', event => done(`${event.status} ${event.message}`)))
            """, News.Stream + "?wait=no");

        Assert.Equal("400 ?wait= is a number of whole seconds from 0 to 120.", said);
    }

    [Fact]
    public async Task An_id_that_no_log_reaches_is_not_kept()
    {
        var ids = await RunAsync<string[]>("""
            stream => new Promise(done => {
              const ids = [];
              const source = new CometSource(stream);
              source.onmessage = event => ids.push(event.lastEventId, source.lastEventId) === 4 && done(ids);
            })
            """, ToldStream.Of(
            new { type = "open", id = "e-9223372036854775806" },
            new { type = "message", id = "e-9223372036854775808", data = 1 },
            new { type = "message", id = "e-9223372036854775807", data = 2 }));

        Assert.Equal(["e-9223372036854775808", "e-9223372036854775806", "e-9223372036854775807", "e-9223372036854775807"], ids);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("frame")]
    public async Task One_image_that_never_answers_keeps_no_stream_from_starting(string transport)
    {
        var reader = await Reader.OpenAsync(
            await browsers.OpenTabAsync(), site.Url, News.Stream, new { transport }, "/test/loading");

        await reader.WaitForEventAsync("open");

        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium, "default-src 'self'; frame-src 'none'", true)]
    [InlineData(BrowserKind.Chromium, "default-src 'self'; connect-src 'none'", true)]
    [InlineData(BrowserKind.Chromium, "default-src 'self'; connect-src 'none'; frame-src 'none'", false)]
    [InlineData(BrowserKind.Chromium, "default-src 'self'; frame-src 'none'", false, "frame", Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Chromium, "default-src 'self'; connect-src 'none'", false, "fetch", Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Firefox, "default-src 'self'; frame-src 'none'", false, "frame", Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Firefox, "default-src 'self'; connect-src 'none'", true, Traits = ["Category", "Matrix"])]
    [InlineData(BrowserKind.Firefox, "default-src 'self'; connect-src 'none'; frame-src 'none'", false, Traits = ["Category", "Matrix"])]
    public async Task A_policy_leaves_it_one_way_or_is_told(BrowserKind kind, string policy, bool opens, string transport = "auto")
    {
        var reader = await Reader.OpenAsync(
            await browsers.OpenTabAsync(kind),
            site.Url,
            News.Stream,
            new { transport },
            "/test/policed?policy=" + Uri.EscapeDataString(policy));

        await reader.WaitForEventAsync(opens ? "open" : "closed");

        Assert.Equal(
            opens ? new("open", null, null, null, 1) : new ReaderEvent("closed", "blocked", null, null, 2),
            (await reader.EventsAsync())[0]);
        await reader.Page.CloseAsync();
    }

    private async Task<T> RunAsync<T>(string script, string stream)
    {
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/test/empty");
        var result = await page.EvaluateJsonAsync<T>(script, stream);
        await page.CloseAsync();
        return result;
    }
}
