using System.Globalization;
using System.Text.RegularExpressions;
using Comet.AspNetCore;
using Comet.AspNetCore.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace CometApp.Tests;

public partial class VitalsTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    [Fact]
    public async Task The_page_shows_what_the_server_measures()
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/vitals");

        await Assertions.Expect(page.Locator("#streams")).ToHaveTextAsync("1");

        Assert.InRange(double.Parse(await page.InnerTextAsync("#memory"), CultureInfo.InvariantCulture), 1, 100_000);
        Assert.Matches(Number(), await page.InnerTextAsync("#cpu"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_first_page_shows_them_and_the_time_over_its_only_connection()
    {
        await using var own = new App();
        var page = await browser.NewPageAsync();

        await page.GoLiveAsync(own.Url + "/");

        await Assertions.Expect(page.Locator("#clock")).ToHaveTextAsync(Time());
        await Assertions.Expect(page.Locator("#cpu")).ToHaveTextAsync(Number());
        Assert.Equal(1, own.Services.GetRequiredService<OpenStreams>().Count);
        await page.CloseAsync();
    }

    [Theory]
    [InlineData("/", 3)]
    [InlineData("/clock", 1)]
    public async Task While_the_server_is_away_the_values_say_since_when_they_are_stale(string path, int values)
    {
        var first = new App();
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(first.Url + path);
        await Assertions.Expect(page.Locator("[data-stale]")).ToHaveCountAsync(0);

        await first.DisposeAsync();

        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync(Reconnecting());
        await Assertions.Expect(page.Locator("[data-stale]")).ToHaveCountAsync(values);
        Assert.Matches(Since(), await page.Locator("[data-stale]").First.GetAttributeAsync("data-stale"));

        await using var second = new App { At = first.Url };
        second.StartServer();
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live", new() { Timeout = 20_000 });
        await Assertions.Expect(page.Locator("[data-stale]")).ToHaveCountAsync(0);
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_chart_has_scales_and_says_what_it_shows()
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/vitals");

        await Assertions.Expect(page.Locator("#memory-chart")).ToHaveAttributeAsync("aria-label", Range());
        await Assertions.Expect(page.Locator("#memory-time")).ToHaveTextAsync(Time());
        Assert.Matches(@"^\d+ MB$", await page.InnerTextAsync("#memory-top"));
        Assert.Matches(@"^M[\d.]+ [\d.]+", await page.Locator("#memory-chart .comet-line").GetAttributeAsync("d"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_stream_of_several_feeds_names_the_feed_of_each_message()
    {
        var vitals = await CometReader.ReadAsync(app.CreateClient(), "/live/stream")
            .FirstAsync(message => message.Kind == CometMessageKind.Message);

        Assert.Equal(("parent.received", "vitals"), (vitals.Callback, vitals.Feed));
    }

    [Fact]
    public async Task The_stream_calls_the_function_of_the_page()
    {
        var vitals = await CometReader.ReadAsync(app.CreateClient(), "/vitals/stream")
            .FirstAsync(message => message.Kind == CometMessageKind.Message);

        Assert.Equal("parent.vitalsChanged", vitals.Callback);
        Assert.InRange(vitals.Value.GetProperty("memory").GetInt64(), 1, long.MaxValue);
    }

    [GeneratedRegex(@"^\d\d:\d\d:\d\d$")]
    private static partial Regex Time();

    [GeneratedRegex("^Reconnecting")]
    private static partial Regex Reconnecting();

    [GeneratedRegex(@"^stale since \d\d:\d\d:\d\d$")]
    private static partial Regex Since();

    [GeneratedRegex(@"^Over the last minute from \d+\.\d to \d+\.\d MB, at last \d+\.\d MB$")]
    private static partial Regex Range();

    [GeneratedRegex(@"^\d+\.\d$")]
    private static partial Regex Number();
}
