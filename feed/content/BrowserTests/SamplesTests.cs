using BrowserTests.Browsers;
using BrowserTests.Hosting;

namespace BrowserTests;

public class SamplesTests(App app, BrowserFixture browsers) : IClassFixture<App>
{
    [Fact]
    public async Task Shows_what_the_feed_publishes()
    {
        var page = await browsers.OpenTabAsync(BrowserKind.Chromium);

        await page.GotoAsync($"{app.Url}/samples");

        await page.WaitForSelectorAsync("#connection[data-state=live]");
        await page.WaitForSelectorAsync("#messages li:nth-child(3)");
        Assert.Matches(@"^\d+\.\d\d$", await page.InnerTextAsync("#value"));
        await page.CloseAsync();
    }
}
