using Comet.AspNetCore.Testing;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace CometApp.Tests;

/// <summary>What holds for every page: add yours here.</summary>
public class PageTests(App app, BrowserFixture browser) : IClassFixture<App>
{
    private const string Missing = "/nothing-here";

    public static TheoryData<string> Pages => ["/", "/clock", "/vitals", "/announcements"];

    [Theory]
    [MemberData(nameof(Pages))]
    [InlineData(Missing)]
    public async Task Is_accessible_by_day_and_by_night_and_logs_no_error(string path)
    {
        var page = await browser.NewPageAsync();
        var errors = ErrorsOf(page);
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

        Assert.Empty(errors);
        await page.CloseAsync();
    }

    [Theory]
    [MemberData(nameof(Pages))]
    [InlineData(Missing)]
    public async Task Needs_no_sideways_scrolling_on_a_phone(string path)
    {
        var page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 320, Height = 640 } });
        await OpenAsync(page, path);

        Assert.Equal(320, await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
        await page.CloseAsync();
    }

    private static List<string> ErrorsOf(IPage page)
    {
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) =>
        {
            // Chromium reports the status 404 of the page itself as an error.
            var isStatus =
                page.Url.EndsWith(Missing, StringComparison.Ordinal) && message.Location.StartsWith(page.Url, StringComparison.Ordinal);
            if (message.Type == "error" && !isStatus)
            {
                errors.Add(message.Text);
            }
        };
        return errors;
    }

    private Task OpenAsync(IPage page, string path) =>
        path == Missing ? page.GotoAsync(app.Url + path) : page.GoLiveAsync(app.Url + path);
}
