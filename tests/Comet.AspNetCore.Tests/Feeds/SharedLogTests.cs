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

    public static TheoryData<CometFormat> Formats => [.. Enum.GetValues<CometFormat>()];

    // An EventSource whose page has added a feed is another one: it has the place of the others in its address.
    [Theory, MemberData(nameof(Formats))]
    public async Task A_feed_that_is_added_with_a_place_of_its_own_has_its_past_beside_the_place_of_the_others(CometFormat format)
    {
        _store.Add("rooms/1", "one");
        _store.Add("rooms/2", "its past");
        _store.Add("rooms/1", "two");
        await using var app = await StartAsync();
        const string Added = "/both?feed=rooms/1&feed=earliest@rooms/2&lastEventId=shared-3";
        string last;
        await using (var stream = await app.OpenAsync(Added, format))
        {
            await OpensAsync(stream);
            var message = await stream.NextAsync(CometMessageKind.Message);
            Assert.Equal(("rooms/2", "its past"), (message.Feed, message.Value.GetString()));
            await app.Services.GetRequiredService<KeyedFeeds<string>>().Get("1").PublishAsync("three");
            message = await stream.NextAsync(CometMessageKind.Message);
            Assert.Equal(("rooms/1", "three"), (message.Feed, message.Value.GetString()));
            last = message.Id!;
        }

        // It comes back to the same address by itself, with what it has had since.
        await using var again = await app.OpenAsync(Added, format, last);
        await OpensAsync(again);
        await app.Services.GetRequiredService<KeyedFeeds<string>>().Get("2").PublishAsync("four");
        Assert.Equal("four", (await again.NextAsync(CometMessageKind.Message)).Value.GetString());

        static async Task OpensAsync(TestStream stream)
        {
            Assert.Equal("rooms/1", (await stream.NextAsync(CometMessageKind.Open)).Feed);
            Assert.Equal("rooms/2", (await stream.NextAsync(CometMessageKind.Open)).Feed);
        }
    }

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
