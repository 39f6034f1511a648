using System.Globalization;
using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

/// <summary>The page at its barest: a function and an iframe.</summary>
public class ClockTests(App app, TestBrowsers browsers) : IClassFixture<App>
{
    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox, Traits = ["Category", "Matrix"])]
    public async Task The_callback_fires_again_and_again_with_rising_values(BrowserKind kind)
    {
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(app.Url + "/clock", new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        await page.EvaluateAsync("""
            () => {
              window.seen = [];
              const show = clockChanged;
              clockChanged = time => { show(time); seen.push({ time, shown: document.getElementById('clock').textContent }); };
            }
            """);

        await page.WaitForFunctionAsync("() => seen.length >= 5 && seen[0].time !== seen.at(-1).time");

        var seen = await page.EvaluateJsonAsync<Tick[]>("() => seen");
        Assert.All(seen, tick => Assert.Equal(tick.Time.Replace(' ', ':'), tick.Shown));
        var times = seen.Select(tick => TimeOnly.ParseExact(tick.Time, "HH mm ss", CultureInfo.InvariantCulture)).ToList();
        // The difference of two times of day is never negative, so that midnight is no exception; that to an earlier one is nearly a day.
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, TimeSpan.Zero, TimeSpan.FromHours(1)));
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox, Traits = ["Category", "Matrix"])]
    public async Task The_page_says_when_the_connection_broke_and_goes_on(BrowserKind kind)
    {
        await using var site = new App(services =>
            services.PostConfigure<CometOptions>(comet => comet.Heartbeat = TimeSpan.FromSeconds(4)));
        await using var network = new TcpProxy(site.Url);
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(network.Url + "/clock", new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        await page.WaitForSelectorAsync("#connection[data-state=live]");
        await page.WaitForTimeoutAsync(7_000); // longer than it puts up with silence
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");

        // It may be live again sooner than it is seen from outside.
        await page.EvaluateAsync("""
            () => {
              window.shown = [];
              const clock = document.getElementById('clock');
              new MutationObserver(() => shown.push(clock.dataset.stale)).observe(clock, { attributeFilter: ['data-stale'] });
            }
            """);

        network.Cut();

        await page.WaitForFunctionAsync("() => shown.length >= 2 && !document.getElementById('clock').dataset.stale");
        Assert.StartsWith("stale since ", (await page.EvaluateAsync<string[]>("() => shown"))[0], StringComparison.Ordinal);
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");
        await page.CloseAsync();
    }

    private sealed record Tick(string Time, string Shown);
}
