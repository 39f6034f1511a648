using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>How long CometSource waits before it tries again. The page does not really wait: the network "comes back" each time.</summary>
[Trait("Category", "Matrix")]
public class BackoffTests(Site site, TestBrowsers browsers) : IClassFixture<Site>
{
    private const string Refused = "/test/streams/refused/";

    [Theory]
    [InlineData(0, new double[] { 250, 250, 250, 250, 250, 250, 250 })]
    [InlineData(0.5, new double[] { 750, 1250, 2250, 4250, 8250, 15_250, 15_250 })]
    [InlineData(1, new double[] { 1250, 2250, 4250, 8250, 16_250, 30_250, 30_250 })]
    public async Task Waits_grow_up_to_half_a_minute_with_full_jitter(double chance, double[] expected)
    {
        var reader = await OpenAsync(Refused + "503", chance);

        await reader.WaitForEventAsync("reconnecting", expected.Length);

        Assert.Equal(expected, (await reader.DelaysAsync())[..expected.Length]);
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData("error", 300, new double[] { 1250, 2250, 4250 })]
    [InlineData("recycled", 300, new double[] { 1250, 2250, 4250 })]
    [InlineData("recycled", 3000, new double[] { 3000, 3000, 4250 })]
    public async Task They_grow_too_when_every_stream_ends_soon(string reason, int retry, double[] expected)
    {
        var reader = await OpenAsync(ToldStream.Of(new { type = "open" }, new { type = "end", reason, retry }), 1);

        await reader.WaitForEventAsync("reconnecting", expected.Length);

        Assert.Equal(expected, (await reader.DelaysAsync())[..expected.Length]);
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task After_a_stream_that_lasted_they_are_short_again()
    {
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(PageFault.ShiftedClock);
        var requests = 0;
        await page.RouteAsync("**/test/streams/told*", async route =>
        {
            await (Interlocked.Increment(ref requests) == 3 ? route.ContinueAsync() : route.FulfillAsync(new() { Status = 503 }));
        });
        var stream = ToldStream.Of(new { type = "open" }, new { type = "end", reason = "recycled", retry = 300 });
        var reader = await OpenAsync(stream, 1, page, "() => { reader.source.onopen = () => { ahead += 6000; }; }");

        await reader.WaitForEventAsync("reconnecting", 4);

        Assert.Equal(new double[] { 1250, 2250, 300, 1250 }, (await reader.DelaysAsync())[..4]);
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("100", 0, 100_000)]
    [InlineData("100", 0.5, 150_000)]
    [InlineData("99999999999", 0.5, 86_400_000)]
    [InlineData("1", 1, 2_000)]
    [InlineData("Fri, 31 Dec 2055 23:59:59 GMT", 1, 86_400_000)]
    [InlineData("Fri, 31 Dec 1999 23:59:59 GMT", 1, 1_250)]
    public async Task Retry_After_is_obeyed_with_jitter_in_proportion(string retryAfter, double chance, double expected)
    {
        var reader = await OpenAsync($"{Refused}503?retryAfter={Uri.EscapeDataString(retryAfter)}", chance);

        await reader.WaitForEventAsync("reconnecting");

        Assert.Equal(expected, (await reader.DelaysAsync())[0]);
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(404)]
    [InlineData(405)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    public async Task What_may_heal_by_itself_is_tried_again(int status)
    {
        var reader = await OpenAsync(Refused + status, 0);

        await reader.WaitForEventAsync("error", 3);

        Assert.Equal(["reconnecting 0", "error 0", "reconnecting 0", "error 0"], (await reader.ToldAsync())[..4]);
        Assert.Equal(("unreachable", status), ((await reader.EventsAsync())[0].Reason, (await reader.EventsAsync())[0].Status));
        Assert.Equal(1, await reader.Page.EvaluateAsync<int>("() => attempts[1] - attempts[0]"));
        await reader.Page.CloseAsync();
    }

    private async Task<Reader> OpenAsync(string stream, double chance, IPage? page = null, string? then = null)
    {
        page ??= await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(PageFault.Chance(chance));
        var reader = await Reader.OpenAsync(page, site.Url, stream);
        if (then is not null)
        {
            await page.EvaluateAsync(then);
        }
        await page.EvaluateAsync("""
            () => {
              window.attempts = [];
              reader.source.addEventListener('reconnecting', ({ attempt }) => {
                attempts.push(attempt);
                setTimeout(() => dispatchEvent(new Event('online')));
              });
            }
            """);
        return reader;
    }
}
