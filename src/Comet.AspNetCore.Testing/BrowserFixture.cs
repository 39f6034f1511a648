using Comet.AspNetCore.Testing.Browsers;
using Microsoft.Playwright;

namespace Comet.AspNetCore.Testing;

/// <summary>
/// A real browser, shared by all tests that share the fixture, and driven by Playwright without a window. It starts when a page is first
/// asked for.
/// </summary>
/// <remarks>
/// The browser is the one at <see cref="ExecutablePath"/>; else the one that the environment variable <c>COMET_BROWSER</c> names by its
/// path; else Playwright's own Chromium; else the Chrome, Edge or Chromium of the system. Where there is none, Playwright downloads its
/// own, about 200 MB, which is kept for all later tests. Where that fails too, on Debian and Ubuntu and as root, apt-get installs one if
/// <c>COMET_INSTALL_BROWSER</c> is 1. A Firefox is driven as well, over WebDriver BiDi, which does not do all that Playwright asks for.
/// <para>Playwright's assertions, of the whole process, wait up to 30 seconds instead of 5, as long as its other waits.</para>
/// </remarks>
public sealed class BrowserFixture : IAsyncDisposable
{
    private const float Patience = 30_000;

    private readonly Lazy<Task<(IPlaywright Playwright, IBrowser Browser)>> _started;

    /// <summary>Prepares the browser; nothing starts yet.</summary>
    public BrowserFixture() => _started = new(StartAsync);

    /// <summary>The path of the browser to use: a Chrome, Edge, Chromium or Firefox. Null, the default, looks for one.</summary>
    public string? ExecutablePath { get; init; }

    /// <summary>
    /// Opens a page in a profile of its own: it shares no cookies, storage or connection with others. Closing it closes the profile.
    /// </summary>
    /// <param name="options">As of Playwright: viewport, colour scheme, whether scripts are enabled, and so on.</param>
    /// <exception cref="InvalidOperationException">There is no browser; the message says what to do.</exception>
    /// <exception cref="PlaywrightException">The browser does not start, or has ended.</exception>
    public async Task<IPage> NewPageAsync(BrowserNewPageOptions? options = null) =>
        await (await _started.Value).Browser.NewPageAsync(options);

    /// <summary>Opens a profile, for pages that know of each other as the tabs of one user do.</summary>
    /// <inheritdoc cref="NewPageAsync"/>
    public async Task<IBrowserContext> NewContextAsync(BrowserNewContextOptions? options = null) =>
        await (await _started.Value).Browser.NewContextAsync(options);

    /// <summary>
    /// What to launch a Chromium with where something else than this class does it, for example a <c>PageTest</c> of
    /// Microsoft.Playwright.Xunit.v3. Looks for a browser, and gets one, as this class does.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no browser; the message says what to do.</exception>
    public static async Task<BrowserTypeLaunchOptions> LaunchOptionsAsync()
    {
        using var playwright = await Playwright.CreateAsync();
        return new() { ExecutablePath = await FindAsync(playwright) };
    }

    /// <summary>Closes the browser with all its pages.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_started.IsValueCreated)
        {
            return;
        }
        await ((Task)_started.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // whoever asked for a page has the exception
        if (_started.Value.IsCompletedSuccessfully)
        {
            var (playwright, browser) = await _started.Value;
            try
            {
                await browser.CloseAsync();
            }
            finally
            {
                playwright.Dispose();
            }
        }
    }

    private async Task<(IPlaywright, IBrowser)> StartAsync()
    {
        Assertions.SetDefaultExpectTimeout(Patience);
        var playwright = await Playwright.CreateAsync();
        try
        {
            var path = ExecutablePath ?? await FindAsync(playwright);
            return (playwright, await LaunchAsync(playwright, path));
        }
        catch
        {
            playwright.Dispose();
            throw;
        }
    }

    private static Task<IBrowser> LaunchAsync(IPlaywright playwright, string path) =>
        Path.GetFileName(path).StartsWith("firefox", StringComparison.OrdinalIgnoreCase)
            // The channel is Firefox as Mozilla builds it; Playwright's own is driven by another protocol.
            ? playwright.Firefox.LaunchAsync(new() { Channel = "moz-firefox", ExecutablePath = path })
            : playwright.Chromium.LaunchAsync(new() { ExecutablePath = path });

    // Installing takes minutes, and blocks.
    private static Task<string> FindAsync(IPlaywright playwright) =>
        Task.Run(() => BrowserSearch.Find(new BrowserMachine(playwright.Chromium.ExecutablePath)));
}
