using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>Tabs of one browser that share a stream.</summary>
internal static class Tabs
{
    internal static async Task<Reader> OpenTabAsync(
        this IBrowserContext profile, string site, string? from = null, string? fault = null, string stream = News.Stream)
    {
        var page = await profile.NewPageAsync();
        if (fault is not null)
        {
            await page.AddInitScriptAsync(fault);
        }
        return await Reader.OpenAsync(page, site, stream, from is null ? new { shared = true } : new { shared = true, from });
    }

    /// <summary>Opens one tab after another, each when the one before is open: the first leads.</summary>
    internal static async Task<List<Reader>> OpenTabsAsync(
        this IBrowserContext profile, string site, int count, string? fault = null, string stream = News.Stream)
    {
        var readers = new List<Reader>();
        for (var i = 0; i < count; i++)
        {
            var reader = await profile.OpenTabAsync(site, fault: fault, stream: stream);
            await reader.WaitForEventAsync("open");
            readers.Add(reader);
        }
        return readers;
    }
}
