using Comet.BrowserTests.Browsers;
using Microsoft.Playwright;

namespace Comet.BrowserTests.AppPages;

/// <summary>The debug page of the app, under the app's headers.</summary>
public class DebugPageTests(App app, TestBrowsers browsers) : IClassFixture<App>
{
    private const string Hostile = "</script><img src=x onerror=\"document.title='ran'\">";

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox, Traits = ["Category", "Matrix"])]
    public async Task It_goes_live_and_shows_the_messages_of_a_feed_as_text(BrowserKind kind)
    {
        var page = await browsers.OpenTabAsync(kind);
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) => errors.AddRange(message.Type is "error" or "warning" ? [message.Text] : []);
        await app.AnnounceAsync(Hostile);

        await page.GotoAsync(app.Url + "/_comet", new() { WaitUntil = WaitUntilState.Load });
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");
        await Assertions.Expect(page.Locator("#open")).ToHaveTextAsync("0");
        await Assertions.Expect(page.Locator("#feeds tr:has-text('vitals') td").Nth(4)).Not.ToHaveTextAsync("–");
        await page.ClickAsync("#feeds button:has-text('announcements')");
        await Assertions.Expect(page.Locator("#messages pre").First).ToContainTextAsync("</script><img src=x onerror=");

        Assert.Equal(0, await page.Locator("#messages img").CountAsync());
        Assert.StartsWith("Comet: ", await page.TitleAsync(), StringComparison.Ordinal);
        Assert.EndsWith("?feed=announcements", page.Url, StringComparison.Ordinal);
        Assert.Empty(errors);
        await page.CloseAsync();
    }

    [Fact]
    public async Task Streams_come_and_go_and_a_filter_leaves_some_out()
    {
        var (page, other) = (await browsers.OpenTabAsync(), await browsers.OpenTabAsync());
        await page.GotoAsync(app.Url + "/_comet");
        await other.GotoAsync(app.Url + "/vitals");
        var rows = page.Locator("#streams tbody tr");

        await Assertions.Expect(rows).ToHaveCountAsync(1);
        await Assertions.Expect(rows.Locator("td").First).ToHaveTextAsync("vitals");
        await page.FillAsync("#filter", "ANNOUNCE");
        await Assertions.Expect(rows).ToHaveCountAsync(0);
        await Assertions.Expect(page.Locator("#feeds tbody tr")).ToHaveCountAsync(1);
        await page.FillAsync("#filter", "");
        await Assertions.Expect(rows).ToHaveCountAsync(1);
        await other.CloseAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(0);
        await Assertions.Expect(page.Locator("#ended tbody")).ToContainTextAsync("client-disconnected");

        await page.CloseAsync();
    }
}
