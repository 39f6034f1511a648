using Comet.AspNetCore.Testing;

namespace CometApp.Tests;

public class SamplesTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    [Fact]
    public async Task Shows_what_the_feed_publishes()
    {
        var page = await browser.NewPageAsync();

        await page.GoLiveAsync($"{app.Url}/samples");

        await page.WaitForSelectorAsync("#messages li:nth-child(3)");
        Assert.Matches(@"^\d+\.\d\d$", await page.InnerTextAsync("#value"));
        await page.CloseAsync();
    }
}
