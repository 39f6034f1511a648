using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A client that reads nothing while its stream begins: the stream keeps nothing that was read from a store.</summary>
public class StalledBeginningTests
{
    private const int Long = 4 * 1024 * 1024; // more than the system keeps for a connection

    private readonly ManualTime _time = new();

    [Theory]
    [InlineData("Direct")]
    [InlineData("Attached")]
    [InlineData("Portable")]
    [InlineData("Tls")]
    [InlineData("Http2")]
    public async Task Of_several_feeds_it_keeps_none_of_the_others_pages(string wire)
    {
        var first = new ScriptedStore().With(Enumerable.Repeat("a".PadRight(4096), Long / 4096));
        var others = Enumerable.Range(0, 9).Select(_ => new ScriptedStore().With(5)).ToList();
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", (IServiceProvider services) => CometResults.Feeds(
                Enumerable.Range(0, 10).Select(i => (FeedChoice)services.GetRequiredKeyedService<Feed<string>>($"f{i}")), "parent.f")),
            builder =>
            {
                Configure(builder, new StorePerFeed([.. others.Prepend(first).Select((store, i) => ($"f{i}", (IFeedStore)store))]));
                foreach (var i in Enumerable.Range(0, 10))
                {
                    builder.Services.AddFeed<string>($"f{i}", feed => feed.RetainBytes = 2 * Long);
                }
            },
            Enum.Parse<Wire>(wire));
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stream = await TestStream.OpenAsync(client, "/", CometFormat.Ndjson, "earliest");

        await NothingIsKeptAsync([first, .. others]);

        var messages = await stream.UntilAsync(message => message is { Feed: "f9", Kind: CometMessageKind.Message });
        Assert.Equal("1", messages.Value.GetString());
        Assert.Equal(Numbers(2, 5), (await stream.TakeAsync(4)).Select(message => message.Value.GetString()));
    }

    [Fact]
    public async Task Of_one_feed_it_keeps_no_page_while_its_first_chunk_is_on_its_way()
    {
        var store = new ScriptedStore().With(5);
        await using var app = await StartAsync(
            stream: new() { InitialChunk = new byte[Long] },
            configure: builder => Configure(builder, store));
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stream = await TestStream.OpenAsync(client, "/", CometFormat.ScriptTags, "earliest");

        await NothingIsKeptAsync([store]);

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(Numbers(1, 5), (await stream.TakeAsync(5)).Select(message => message.Value.GetString()));
    }

    private void Configure(WebApplicationBuilder builder, IFeedStore store)
    {
        builder.Services.AddSingleton<TimeProvider>(_time).AddSingleton(store);
        builder.AllowStalling();
        builder.Configuration["Comet:WriteTimeout"] = "01:00:00";
    }

    // Pages that were just read are kept for others, for five seconds.
    private Task NothingIsKeptAsync(ScriptedStore[] stores) => Eventually.HoldsAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            GC.Collect();
            return Array.TrueForAll(stores, static store => store.Reads > 0 && !store.Payloads.Any(static payload => payload.IsAlive));
        },
        "nothing of a page is kept");
}
