using Comet.AspNetCore.Testing;

namespace CometApp.Tests;

public class SamplesTests(KestrelApplicationFactory<Program> app, BrowserFixture browser)
    : IClassFixture<KestrelApplicationFactory<Program>>, IClassFixture<BrowserFixture>
{
    [Fact]
    public async Task Shows_what_the_feed_publishes()
    {
        var page = await browser.NewPageAsync();

        await page.GotoAsync($"{app.Url}/samples");

        await page.WaitForSelectorAsync("#connection[data-state=live]");
        await page.WaitForSelectorAsync("#messages li:nth-child(3)");
        Assert.Matches(@"^\d+\.\d\d$", await page.InnerTextAsync("#value"));
    }
}
