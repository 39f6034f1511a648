using System.Globalization;
using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;
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
        var page = await browser.NewPageAsync();
        var streams = new List<string>();
        page.Request += (_, request) => streams.AddRange(request.Url.Contains("/stream", StringComparison.Ordinal) ? [request.Url] : []);

        await page.GoLiveAsync(app.Url + "/");

        await Assertions.Expect(page.Locator("#clock")).ToHaveTextAsync(Time());
        await Assertions.Expect(page.Locator("#cpu")).ToHaveTextAsync(Number());
        Assert.StartsWith(app.Url + "/live/stream", Assert.Single(streams), StringComparison.Ordinal);
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

    [GeneratedRegex(@"^\d\d \d\d \d\d$")]
    private static partial Regex Time();

    [GeneratedRegex(@"^\d+\.\d$")]
    private static partial Regex Number();
}
