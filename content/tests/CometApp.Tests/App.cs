using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(BrowserFixture))]

namespace CometApp.Tests;

/// <summary>The app on a port of its own, with feeds that start empty whatever store the app has.</summary>
public sealed class App : KestrelApplicationFactory<Program>
{
    /// <summary>Where one was that is gone; null: a free port.</summary>
    internal string? At { get; init; }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        if (At is not null)
        {
            builder.UseUrls(At);
        }
        builder.ConfigureTestServices(services => services.Replace(ServiceDescriptor.Singleton<IFeedStore, MemoryStore>()));
    }
}

internal static class PageExtensions
{
    /// <summary>Goes to a page of the app and waits until its stream is open.</summary>
    internal static async Task GoLiveAsync(this IPage page, string url)
    {
        // A page with a parser-inserted stream, as the clock's, never finishes loading.
        await page.GotoAsync(url, new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        await Assertions.Expect(page.Locator("#connection")).ToHaveTextAsync("Live");
    }
}
