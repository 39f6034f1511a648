using Microsoft.Playwright;

namespace Comet.AspNetCore.Testing.Tests;

public sealed class BrowserFixtureTests : IClassFixture<BrowserFixture>
{
    private readonly BrowserFixture _browser;

    public BrowserFixtureTests(BrowserFixture browser) => _browser = browser;

    [Fact]
    public async Task Pages_run_scripts_and_know_nothing_of_each_other()
    {
        await using var profile = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = 320, Height = 640 } });
        var (tab, sibling, stranger) = (await profile.NewPageAsync(), await profile.NewPageAsync(), await _browser.NewPageAsync());
        foreach (var page in new[] { tab, sibling, stranger })
        {
            await page.RouteAsync("http://localhost/", route => route.FulfillAsync(new() { Body = "<!DOCTYPE html><p>Here" }));
            await page.GotoAsync("http://localhost/");
        }

        await tab.EvaluateAsync("() => { document.cookie = 'a=1'; }");

        Assert.Equal("a=1", await sibling.EvaluateAsync<string>("() => document.cookie"));
        Assert.Equal("", await stranger.EvaluateAsync<string>("() => document.cookie"));
        Assert.Equal(320, await tab.EvaluateAsync<int>("() => innerWidth"));
        await stranger.CloseAsync();
    }

    [Fact]
    public async Task Others_launch_what_it_finds()
    {
        using var playwright = await Playwright.CreateAsync();

        await using var browser = await playwright.Chromium.LaunchAsync(await BrowserFixture.LaunchOptionsAsync());

        Assert.True(browser.IsConnected);
    }

    [Fact]
    public async Task A_browser_that_is_not_there_is_an_error()
    {
        await using var browser = new BrowserFixture { ExecutablePath = "/nothing-here/chromium" };

        var error = await Assert.ThrowsAnyAsync<PlaywrightException>(() => browser.NewPageAsync());

        Assert.Contains("/nothing-here/chromium", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_browser_that_nobody_asked_for_is_not_started()
    {
        await using var browser = new BrowserFixture { ExecutablePath = "/nothing-here/chromium" };
    }
}
