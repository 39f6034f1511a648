using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>An app with one feed of strings, read at <c>/</c>.</summary>
internal static class NewsApp
{
    internal static Task<TestApp> StartAsync(
        Wire wire = Wire.Direct,
        Action<FeedOptions>? feed = null,
        CometStreamOptions? stream = null,
        Action<WebApplicationBuilder>? configure = null) => TestApp.StartAsync(
            app => app.MapMethods("/", ["GET", "HEAD"], (Feed<string> news) => CometResults.Feed(news, "parent.f", stream)),
            builder =>
            {
                builder.Services.AddFeed<string>("news", feed);
                configure?.Invoke(builder);
            },
            wire);

    internal static Feed<string> News(this TestApp app) => app.Services.GetRequiredService<Feed<string>>();

    /// <summary>Numbers as messages, both ends included.</summary>
    internal static IEnumerable<string> Numbers(int from, int to) =>
        Enumerable.Range(from, to - from + 1).Select(i => i.ToString(CultureInfo.InvariantCulture));

    internal static FeedPosition Parse(string id) => FeedPosition.TryParse(id, out var position) ? position : throw new FormatException(id);

    /// <summary>Publishes one message after the other.</summary>
    /// <returns>Their ids.</returns>
    internal static async Task<List<string>> PublishAsync(this TestApp app, params IEnumerable<string> messages)
    {
        var ids = new List<string>();
        foreach (var message in messages)
        {
            ids.Add((await app.News().PublishAsync(message)).ToString());
        }
        return ids;
    }
}
