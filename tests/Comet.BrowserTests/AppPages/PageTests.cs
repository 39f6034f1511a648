using Comet.BrowserTests.Browsers;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

public class PageTests(App app, TestBrowsers browsers) : IClassFixture<App>
{
    [Theory]
    [InlineData(BrowserKind.Chromium, "/")]
    [InlineData(BrowserKind.Chromium, "/vitals")]
    [InlineData(BrowserKind.Chromium, "/announcements")]
    [InlineData(BrowserKind.Firefox, "/", Traits = ["Category", "Matrix"])]
    public async Task Finishes_loading_and_then_goes_live(BrowserKind kind, string path)
    {
        var page = await browsers.OpenTabAsync(kind);

        await page.GotoAsync(app.Url + path, new() { WaitUntil = WaitUntilState.Load });

        await page.WaitForSelectorAsync("#connection[data-state=live]");
        Assert.Equal("complete", await page.EvaluateAsync<string>("() => document.readyState"));
        Assert.Equal("Live", await page.InnerTextAsync("#connection"));
        await page.CloseAsync();
    }

    [Fact]
    public async Task What_is_not_there_logs_no_error_but_its_status()
    {
        var page = await browsers.OpenTabAsync();
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) => errors.AddRange(message.Type == "error" ? [message.Text] : []);

        await page.GotoAsync(app.Url + "/nothing-here", new() { WaitUntil = WaitUntilState.Load });

        Assert.Contains("404", Assert.Single(errors), StringComparison.Ordinal);
        await page.CloseAsync();
    }
}
