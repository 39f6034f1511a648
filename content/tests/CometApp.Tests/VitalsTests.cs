using System.Globalization;
using Comet.AspNetCore.Testing;
using Microsoft.Playwright;

namespace CometApp.Tests;

public class VitalsTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    [Fact]
    public async Task The_page_shows_what_the_server_measures()
    {
        var page = await browser.NewPageAsync();
        await page.GoLiveAsync(app.Url + "/vitals");

        await Assertions.Expect(page.Locator("#streams")).ToHaveTextAsync("1");

        Assert.InRange(double.Parse(await page.InnerTextAsync("#memory"), CultureInfo.InvariantCulture), 1, 100_000);
        Assert.Matches(@"^\d+\.\d$", await page.InnerTextAsync("#cpu"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_stream_calls_the_function_of_the_page()
    {
        var vitals = await CometReader.ReadAsync(app.CreateClient(), "/vitals/stream")
            .FirstAsync(message => message.Kind == CometMessageKind.Message);

        Assert.Equal("parent.vitalsChanged", vitals.Callback);
        Assert.InRange(vitals.Value.GetProperty("memory").GetInt64(), 1, long.MaxValue);
    }
}
