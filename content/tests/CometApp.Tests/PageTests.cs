using Comet.AspNetCore.Testing;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace CometApp.Tests;

/// <summary>What holds for every page: add yours here.</summary>
public class PageTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    public static TheoryData<string> Pages => ["/", "/clock", "/vitals", "/announcements"];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Is_live_and_logs_no_error(string path)
    {
        var page = await browser.NewPageAsync();
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) => errors.AddRange(message.Type == "error" ? [message.Text] : []);

        await page.GoLiveAsync(app.Url + path);

        Assert.Empty(errors);
        await page.CloseAsync();
    }

    [Theory]
    [MemberData(nameof(Pages))]
    [InlineData("/nothing-here")]
    public async Task Is_accessible_by_day_and_by_night(string path)
    {
        var page = await browser.NewPageAsync();
        await OpenAsync(page, path);

        foreach (var (scheme, width) in new[] { (ColorScheme.Light, 1280), (ColorScheme.Dark, 390) })
        {
            await page.EmulateMediaAsync(new() { ColorScheme = scheme });
            await page.SetViewportSizeAsync(width, 800);
            var result = await page.RunAxe();

            Assert.NotEmpty(result.Passes);
            Assert.Empty(result.Violations.Select(violation =>
                $"{path}, {scheme}, {width} wide: {violation.Help}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}"));
        }
        await page.CloseAsync();
    }

    [Theory]
    [MemberData(nameof(Pages))]
    [InlineData("/nothing-here")]
    public async Task Needs_no_sideways_scrolling_on_a_phone(string path)
    {
        var page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 320, Height = 640 } });
        await OpenAsync(page, path);

        Assert.InRange(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"), 1, 320);
        await page.CloseAsync();
    }

    private Task OpenAsync(IPage page, string path) =>
        path == "/nothing-here" ? page.GotoAsync(app.Url + path) : page.GoLiveAsync(app.Url + path);
}
