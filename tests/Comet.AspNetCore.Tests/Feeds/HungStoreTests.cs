using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>
/// A store that does not answer while clients catch up: it holds up nobody else, and they are told what they can be told.
/// </summary>
public class HungStoreTests
{
    private const int FirstPage = 256;

    private readonly ScriptedStore _store = new ScriptedStore().With(1000);
    private readonly TaskCompletionSource _answer = new();

    public HungStoreTests() => (_store.HungFrom, _store.HungTask) = (FirstPage * ScriptedStore.Step, _answer.Task);

    [Theory]
    [InlineData(CometFormat.ScriptTags)]
    [InlineData(CometFormat.ServerSentEvents)]
    [InlineData(CometFormat.Ndjson)]
    public async Task A_stream_of_several_feeds_begins_without_the_one_whose_store_is_away_and_has_it_when_it_comes_again(
        CometFormat format)
    {
        var time = new ManualTime();
        var (absent, present) = (new ScriptedStore { IsUnavailable = true }.With(1), new ScriptedStore().With(1));
        await using var app = await StartBothAsync(absent, present, time);
        await using (var stream = await app.OpenAsync("/both", format))
        {
            Assert.Equal("b", (await stream.NextAsync(CometMessageKind.Open)).Feed);
            var told = await stream.NextAsync(CometMessageKind.End);
            Assert.Equal(("a", "unavailable", TimeSpan.FromSeconds(15)), (told.Feed, told.Reason, told.Retry));
            present.StoreBeforeTail("2")();
            Assert.Equal("b", (await stream.NextAsync(CometMessageKind.Message)).Feed);
            absent.IsUnavailable = false;
            time.Advance(TimeSpan.FromSeconds(15));
            Assert.Equal("recycled", (await stream.RestAsync())[^1].Reason);
        }
        await using (var stream = await app.OpenAsync("/both", format))
        {
            Assert.Equal("a", (await stream.NextAsync(CometMessageKind.Open)).Feed);
            Assert.Equal("b", (await stream.NextAsync(CometMessageKind.Open)).Feed);
        }
        absent.IsUnavailable = present.IsUnavailable = true;
        await app.NoStreamIsOpenAsync();
    }

    // What comes next would have a position without that feed, and is all that EventSource sends back.
    [Theory]
    [InlineData("/both?lastEventId=earliest")]
    [InlineData("/both?feed=earliest@a&feed=b")]
    [InlineData("/both?last=1")]
    public async Task A_stream_that_has_one_position_for_all_feeds_does_not_begin_without_a_feed_that_has_a_place(string path)
    {
        var (absent, present) = (new ScriptedStore { IsUnavailable = true }.With(1), new ScriptedStore().With(1));
        await using var app = await StartBothAsync(absent, present, TimeProvider.System);
        await using (var rejected = await app.OpenAsync(path, CometFormat.ServerSentEvents))
        {
            Assert.Equal("rejected", Assert.Single(await rejected.RestAsync()).Reason);
        }

        absent.IsUnavailable = false;
        await using var stream = await app.OpenAsync(path, CometFormat.ServerSentEvents);

        Assert.Equal("a", (await stream.NextAsync(CometMessageKind.Open)).Feed);
        Assert.Equal("b", (await stream.NextAsync(CometMessageKind.Open)).Feed);
    }

    [Fact]
    public async Task Clients_of_other_feeds_catch_up()
    {
        var other = new ScriptedStore().With(1000);
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/hung", ([FromKeyedServices("hung")] Feed<string> feed) => CometResults.Feed(feed, "parent.f"));
                app.MapGet("/other", ([FromKeyedServices("other")] Feed<string> feed) => CometResults.Feed(feed, "parent.f"));
            },
            builder =>
            {
                builder.Services.AddSingleton<IFeedStore>(new StorePerFeed(("hung", _store), ("other", other)));
                builder.Services.AddFeed<string>("hung");
                builder.Services.AddFeed<string>("other");
            });
        var waiting = new List<TestStream>();
        for (var i = 0; i < 40; i++)
        {
            var stream = await app.OpenAsync("/hung", lastEventId: "earliest");
            await stream.NextAsync(CometMessageKind.Open);
            Assert.Equal(FirstPage, (await stream.TakeAsync(FirstPage)).Count);
            waiting.Add(stream);
        }

        await using var served = await app.OpenAsync("/other", lastEventId: "earliest");

        await served.NextAsync(CometMessageKind.Open);
        Assert.Equal(Numbers(1, 1000), (await served.TakeAsync(1000)).Select(message => message.Value.GetString()));
        _answer.SetResult();
        foreach (var stream in waiting)
        {
            Assert.Equal(1000 - FirstPage, (await stream.TakeAsync(1000 - FirstPage)).Count);
            await stream.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags)]
    [InlineData(CometFormat.ServerSentEvents)]
    [InlineData(CometFormat.Ndjson)]
    public async Task Who_waits_gets_heartbeats(CometFormat format)
    {
        await using var app = await StartAsync(TimeSpan.FromMilliseconds(250));
        await using var stream = await app.OpenAsync("/", format, lastEventId: "earliest");
        await stream.NextAsync(CometMessageKind.Open);
        await stream.TakeAsync(FirstPage);

        await stream.NextAsync(CometMessageKind.Heartbeat);
        await stream.NextAsync(CometMessageKind.Heartbeat);
        _answer.SetResult();

        var next = await stream.UntilAsync(message => message.Kind == CometMessageKind.Message);
        Assert.Equal($"{FirstPage + 1}", next.Value.GetString());
    }

    [Fact]
    public async Task Who_waits_is_told_that_the_server_stops()
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/", lastEventId: "earliest");
        await stream.NextAsync(CometMessageKind.Open);
        await stream.TakeAsync(FirstPage);

        await app.StopAsync().WithPatience();

        Assert.Equal("shutting-down", Assert.Single(await stream.RestAsync()).Reason);
    }

    [Fact]
    public async Task A_store_that_blocks_its_caller_blocks_no_client()
    {
        _answer.SetResult();
        _store.HungCall.Reset();
        await using var app = await StartAsync(TimeSpan.FromMilliseconds(250));
        await using var stream = await app.OpenAsync("/", lastEventId: "earliest");
        await stream.NextAsync(CometMessageKind.Open);
        await stream.TakeAsync(FirstPage);

        await stream.NextAsync(CometMessageKind.Heartbeat);
        _store.HungCall.Set();

        var next = await stream.UntilAsync(message => message.Kind == CometMessageKind.Message);
        Assert.Equal($"{FirstPage + 1}", next.Value.GetString());
    }

    private static Task<TestApp> StartBothAsync(ScriptedStore a, ScriptedStore b, TimeProvider time) => TestApp.StartAsync(
        app => app.MapGet("/both", ([FromKeyedServices("a")] Feed<string> a, [FromKeyedServices("b")] Feed<string> b) =>
            CometResults.Feeds([a, b], "parent.f")),
        builder =>
        {
            builder.Services.AddSingleton(time);
            builder.Services.AddSingleton<IFeedStore>(new StorePerFeed(("a", a), ("b", b)));
            builder.Services.AddFeed<string>("a");
            builder.Services.AddFeed<string>("b");
        });

    private Task<TestApp> StartAsync(TimeSpan? heartbeat = null) => NewsApp.StartAsync(
        stream: new() { Heartbeat = heartbeat },
        configure: builder => builder.Services.AddSingleton<IFeedStore>(_store));
}
