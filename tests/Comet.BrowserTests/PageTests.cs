using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Comet.BrowserTests;

/// <summary>What holds for every page.</summary>
public class PageTests(App app, BrowserFixture browsers) : IClassFixture<App>
{
    private const string Missing = "/nothing-here";

    public static TheoryData<string> Pages => ["/", "/clock", "/vitals", "/announcements", Missing];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Has_no_accessibility_violation_and_logs_no_error(string path)
    {
        foreach (var (scheme, width) in new[] { (ColorScheme.Light, 1280), (ColorScheme.Dark, 390) })
        {
            await using var profile = await browsers.OpenProfileAsync(new() { ColorScheme = scheme, ViewportSize = new() { Width = width, Height = 800 } });
            var page = await profile.NewPageAsync();
            var errors = new List<string>();
            page.PageError += (_, error) => errors.Add(error);
            page.Console += (_, message) =>
            {
                // Chromium reports the status of the page itself as an error.
                if (message.Type == "error" && !(path == Missing && message.Location.StartsWith(page.Url, StringComparison.Ordinal)))
                {
                    errors.Add(message.Text);
                }
            };
            await GoAsync(page, path);

            var result = await page.RunAxe();

            Assert.True(result.Violations.Length == 0, $"{path}, {scheme}, {width} wide: " + string.Join('\n', result.Violations.Select(violation =>
                $"{violation.Id}: {violation.Help}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}")));
            Assert.NotEmpty(result.Passes);
            Assert.Empty(errors);
        }
    }

    [Theory]
    [InlineData(BrowserKind.Chromium, "/")]
    [InlineData(BrowserKind.Chromium, "/vitals")]
    [InlineData(BrowserKind.Chromium, "/announcements")]
    [InlineData(BrowserKind.Firefox, "/")]
    public async Task Finishes_loading_and_then_goes_live(BrowserKind kind, string path)
    {
        var page = await browsers.OpenTabAsync(kind);

        await page.GotoAsync(app.Url + path, new() { WaitUntil = WaitUntilState.Load });

        await page.WaitForSelectorAsync("#connection[data-state=live]");
        Assert.Equal("complete", await page.EvaluateAsync<string>("() => document.readyState"));
        Assert.Equal("Live", await page.InnerTextAsync("#connection"));
        await page.CloseAsync();
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Needs_no_sideways_scrolling_on_a_phone(string path)
    {
        await using var profile = await browsers.OpenProfileAsync(new() { ViewportSize = new() { Width = 320, Height = 640 } });
        var page = await profile.NewPageAsync();
        await GoAsync(page, path);

        Assert.Equal(320, await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth"));
    }

    // The clock's page never finishes loading, and has its style sheet when its stream is live.
    private async Task GoAsync(IPage page, string path)
    {
        await page.GotoAsync(app.Url + path, new() { WaitUntil = path == "/clock" ? WaitUntilState.DOMContentLoaded : WaitUntilState.Load });
        if (path != Missing)
        {
            await page.WaitForSelectorAsync("#connection[data-state=live]");
        }
    }
}
