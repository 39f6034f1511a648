using System.Runtime.CompilerServices;
using Comet.AspNetCore.Testing;
using Comet.BrowserTests.Browsers;
using Comet.TestUtilities;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(TestBrowsers))]

namespace Comet.BrowserTests.Browsers;

/// <summary>The browsers that all tests share: each is started when the first test asks for it.</summary>
public sealed class TestBrowsers : IAsyncDisposable
{
    private readonly BrowserFixture _chromium = new();
    private readonly BrowserFixture? _firefox =
        Firefoxes().FirstOrDefault(File.Exists) is { } path ? new() { ExecutablePath = path } : null;

    // The tests of the kit may change the machine that they run on; those of an app ask first.
    [ModuleInitializer]
    internal static void AllowInstallation() => Environment.SetEnvironmentVariable("COMET_INSTALL_BROWSER", "1");

    /// <summary>Opens a tab in a profile of its own.</summary>
    internal Task<IPage> OpenTabAsync(BrowserKind kind = BrowserKind.Chromium)
    {
        if (kind == BrowserKind.Chromium)
        {
            return _chromium.NewPageAsync();
        }
        Absent.SkipWhen(_firefox is null, "Firefox is not installed here.");
        return _firefox!.NewPageAsync();
    }

    /// <summary>A profile of its own, for tabs that know of each other.</summary>
    internal Task<IBrowserContext> OpenProfileAsync() => _chromium.NewContextAsync();

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        if (_firefox is not null)
        {
            await _firefox.DisposeAsync();
        }
    }

    private static IEnumerable<string> Firefoxes() =>
        OperatingSystem.IsWindows()
        ? [Path.Combine(Environment.GetEnvironmentVariable("ProgramFiles") ?? "", @"Mozilla Firefox\firefox.exe")]
        : OperatingSystem.IsMacOS() ? ["/Applications/Firefox.app/Contents/MacOS/firefox"]
        : from name in new[] { "firefox-esr", "firefox" }
          from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
          select Path.Combine(folder, name);
}
