using System.Text.Json;
using Comet.AspNetCore.Hosting;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Comet.AspNetCore.Tests.DebugPage;

/// <summary>An app in Development with a feed at <c>/news</c>, a sequence at <c>/source</c>, a family, and the debug page.</summary>
internal static class DebuggedApp
{
    internal static Task<TestApp> StartAsync(
        Action<FeedOptions>? feed = null,
        Source<string>? source = null,
        Action<WebApplicationBuilder>? configure = null) => TestApp.StartAsync(
            app =>
            {
                app.MapCometDebugPage();
                app.MapGet("/news", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet("/rooms", (KeyedFeeds<int> rooms) => CometResults.Feeds([rooms.Where(_ => true)], "parent.f"));
                app.MapGet("/source", (CancellationToken cancellation) => CometResults.String(source!.ReadAsync(cancellation), "parent.f"));
            },
            builder =>
            {
                builder.Environment.EnvironmentName = Environments.Development;
                builder.Services.AddFeed<string>("news", feed);
                builder.Services.AddFeed<int>("quiet");
                builder.Services.AddKeyedFeeds<int>("rooms");
                configure?.Invoke(builder);
            });

    internal static Task<TestStream> OpenSnapshotsAsync(this TestApp app, string query = "") =>
        app.OpenAsync("/_comet/stream" + query, CometFormat.Ndjson);

    /// <summary>The next snapshot, or the next of which this is true.</summary>
    internal static async Task<DebugSnapshot> NextSnapshotAsync(this TestStream snapshots, Func<DebugSnapshot, bool>? isSuch = null)
    {
        while (true)
        {
            var message = await snapshots.UntilAsync(static message => message.Kind == CometMessageKind.Message);
            var snapshot = message.Value.Deserialize<DebugSnapshot>(JsonSerializerOptions.Web)!;
            if (isSuch?.Invoke(snapshot) != false)
            {
                return snapshot;
            }
        }
    }

    /// <summary>One snapshot, as a page gets it that is opened now.</summary>
    internal static async Task<DebugSnapshot> TakeSnapshotAsync(this TestApp app, string query = "")
    {
        await using var snapshots = await app.OpenSnapshotsAsync(query);
        return await snapshots.NextSnapshotAsync();
    }
}
