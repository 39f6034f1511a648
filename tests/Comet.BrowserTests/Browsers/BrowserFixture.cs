using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(BrowserFixture))]

namespace Comet.BrowserTests.Browsers;

/// <summary>The browsers that all tests share: each is started when the first test asks for it.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private readonly Lazy<Task<IBrowser>> _chromium;
    private readonly Lazy<Task<IBrowser>> _firefox;
    private IPlaywright _playwright = null!;

    public BrowserFixture()
    {
        _chromium = new(async () => await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = await Task.Run(() => BrowserSearch.Find(new ThisMachine(_playwright.Chromium.ExecutablePath))),
        }));
        _firefox = new(async () => await _playwright.Firefox.LaunchAsync(new()
        {
            // The browser as Mozilla builds it, over WebDriver BiDi.
            Channel = "moz-firefox",
            ExecutablePath = Firefox(),
        }));
    }

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        Assertions.SetDefaultExpectTimeout((float)Eventually.Patience.TotalMilliseconds);
    }

    /// <summary>Opens a tab in a profile of its own.</summary>
    internal async Task<IPage> OpenTabAsync(BrowserKind kind = BrowserKind.Chromium) => await (await StartAsync(kind)).NewPageAsync();

    /// <summary>A profile of its own, for tabs that know of each other.</summary>
    internal async Task<IBrowserContext> OpenProfileAsync(BrowserNewContextOptions? options = null) =>
        await (await StartAsync(BrowserKind.Chromium)).NewContextAsync(options);

    private async Task<IBrowser> StartAsync(BrowserKind kind)
    {
        Assert.SkipWhen(kind == BrowserKind.Firefox && Firefox() is null, "Firefox is not installed here.");
        return await (kind == BrowserKind.Firefox ? _firefox : _chromium).Value;
    }

    private static string? Firefox() => ThisMachine.Firefoxes.FirstOrDefault(File.Exists);

    public async ValueTask DisposeAsync()
    {
        foreach (var browser in new[] { _chromium, _firefox })
        {
            if (browser is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            {
                await (await browser.Value).CloseAsync();
            }
        }
        _playwright.Dispose();
    }
}
