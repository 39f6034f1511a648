using Comet.AspNetCore;
using CometApp.Models;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Hosting;

internal static class AnnouncementFeed
{
    internal const string Stream = "/announcements/stream";

    /// <summary>Announces a text without the form.</summary>
    internal static async Task<string> AnnounceAsync(this App app, string text) =>
        (await app.Services.GetRequiredService<Feed<Announcement>>().PublishAsync(new Announcement(text, DateTimeOffset.UnixEpoch))).ToString();

    /// <summary>Announces the numbers of a range, a few milliseconds apart.</summary>
    internal static async Task AnnounceAsync(this App app, IEnumerable<int> numbers)
    {
        foreach (var number in numbers)
        {
            await app.AnnounceAsync($"{number}");
            await Task.Delay(5);
        }
    }
}
