using System.Globalization;
using Comet.AspNetCore.Testing;
using Microsoft.Playwright;

namespace CometApp.Tests;

public class ClockTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    [Fact]
    public async Task The_callback_fires_again_and_again_with_rising_values()
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/clock");

        // The page's own function, and after it a note of what it was called with and what it showed.
        await page.EvaluateAsync("""
            () => {
              window.seen = [];
              const show = clockChanged;
              clockChanged = time => { show(time); seen.push([time, document.getElementById('clock').textContent]); };
            }
            """);
        await page.WaitForFunctionAsync("() => seen.length >= 5 && seen[0][0] !== seen.at(-1)[0]");

        var seen = await page.EvaluateAsync<string[][]>("() => seen");
        Assert.All(seen, tick => Assert.Equal(tick[0].Replace(' ', ':'), tick[1]));
        var times = seen.Select(tick => TimeOnly.ParseExact(tick[0], "HH mm ss", CultureInfo.InvariantCulture)).ToList();
        // The difference of two times of day is never negative, so that midnight is no exception; that to an earlier one is nearly a day.
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, TimeSpan.Zero, TimeSpan.FromHours(1)));
        await page.CloseAsync();
    }

    [Fact]
    public async Task It_goes_on_after_the_Stop_button()
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/clock");
        // It is live again within a second or two: too soon to be seen from outside.
        await page.EvaluateAsync("""
            () => {
              window.shown = [];
              const clock = document.getElementById('clock');
              new MutationObserver(() => shown.push(clock.dataset.stale)).observe(clock, { attributeFilter: ['data-stale'] });
              window.stop();
            }
            """);

        await page.WaitForFunctionAsync("() => shown.length >= 2 && !document.getElementById('clock').dataset.stale");
        var ticks = await page.InnerTextAsync("#ticks");

        Assert.Matches(@"^stale since \d\d:\d\d:\d\d$", (await page.EvaluateAsync<string[]>("() => shown"))[0]);
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");
        await Assertions.Expect(page.Locator("#ticks")).Not.ToHaveTextAsync(ticks);
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_stream_calls_the_function_of_the_page()
    {
        var tick = await CometReader.ReadAsync(app.CreateClient(), "/clock/stream")
            .FirstAsync(message => message.Kind == CometMessageKind.Message);

        Assert.Equal("parent.clockChanged", tick.Callback);
        Assert.Matches(@"^\d\d \d\d \d\d$", tick.Value.GetString());
    }
}
