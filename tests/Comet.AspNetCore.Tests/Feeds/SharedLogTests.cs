using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A stream of several feeds that share one log.</summary>
public class SharedLogTests
{
    private readonly SharedLogStore _store = new();

    [Fact]
    public async Task The_first_page_of_each_feed_is_read_once()
    {
        var keys = Enumerable.Range(0, 8).Select(static key => $"rooms/{key}").ToList();
        keys.ForEach(key => _store.Add(key, key));
        _store.Add("rooms/8", new string('x', 5 << 20)); // of the pages that were just read, 4 MiB are kept for all
        await using var app = await StartAsync();

        await using var stream = await app.OpenAsync(
            $"/both?feed=rooms/8&{string.Join('&', keys.Select(static key => "feed=" + key))}", CometFormat.Ndjson, "earliest");
        for (var read = 0; read < 9; read++)
        {
            await stream.UntilAsync(static message => message.Kind == CometMessageKind.Message);
        }

        var reads = _store.Reads.CountBy(static feed => feed).ToDictionary();
        Assert.All(keys, key => Assert.Equal(2, reads[key])); // the second finds that there is no more
    }

    private Task<TestApp> StartAsync() => TestApp.StartAsync(
        static app => app.MapGet(
            "/both", (KeyedFeeds<string> rooms) => CometResults.Feeds([rooms.Where(static _ => true)], "parent.f")),
        builder =>
        {
            builder.Services.AddSingleton<IFeedStore>(_store);
            builder.Services.AddKeyedFeeds<string>("rooms");
        });
}
