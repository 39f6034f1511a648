using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>What a feed keeps, and no more.</summary>
public class RetentionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(1000)]
    public async Task As_many_messages_as_it_says(int retain)
    {
        await using var app = await StartAsync(feed: feed => feed.Retain = retain);
        await app.PublishAsync(Numbers(1, 2500));

        Assert.Equal(Numbers(2501 - retain, 2500), await RetainedAsync(app));
    }

    [Fact]
    public async Task As_many_bytes_of_JSON_as_it_says()
    {
        await using var app = await StartAsync(feed: feed => feed.RetainBytes = 1200);
        await app.PublishAsync(Enumerable.Range(0, 10).Select(i => $"{i}" + new string('x', 297))); // 300 bytes each, with the quotes

        Assert.Equal(["6", "7", "8", "9"], (await RetainedAsync(app)).Select(message => message![..1]));
        await app.PublishAsync(new string('y', 298));
        Assert.Equal(["7", "8", "9", "y"], (await RetainedAsync(app)).Select(message => message![..1]));
    }

    [Fact]
    public async Task One_message_may_fill_it_and_a_longer_one_is_rejected()
    {
        await using var app = await StartAsync(feed: feed => feed.RetainBytes = 1024);
        await app.PublishAsync("small", new string('x', 1022));

        var rejected = await Assert.ThrowsAsync<ArgumentException>(async () => await app.PublishAsync(new string('y', 1023)));

        Assert.Contains("1025 bytes", rejected.Message);
        Assert.Contains("RetainBytes = 1024", rejected.Message);
        Assert.Equal([new string('x', 1022)], await RetainedAsync(app));
    }

    [Fact]
    public async Task As_long_as_it_says()
    {
        var time = new ManualTime();
        await using var app = await StartAsync(
            feed: feed => feed.RetainFor = TimeSpan.FromMinutes(1),
            configure: builder => builder.Services.AddSingleton<TimeProvider>(time));
        var ids = await app.PublishAsync("old");
        time.Advance(TimeSpan.FromSeconds(40));
        ids.AddRange(await app.PublishAsync("new"));
        Assert.Equal(["old", "new"], await RetainedAsync(app));

        time.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(["new"], await RetainedAsync(app));
        await using (var resumed = await app.OpenAsync("/", lastEventId: ids[0]))
        {
            Assert.True((await resumed.NextAsync(CometMessageKind.Open)).Recovered); // what has expired is what it has
        }
        time.Advance(TimeSpan.FromSeconds(40));
        Assert.Empty(await RetainedAsync(app)); // though nothing new was published
        await using (var late = await app.OpenAsync("/", lastEventId: ids[0]))
        {
            Assert.False((await late.NextAsync(CometMessageKind.Open)).Recovered);
        }
        await using (var newest = await app.OpenAsync("/", lastEventId: ids[1]))
        {
            Assert.True((await newest.NextAsync(CometMessageKind.Open)).Recovered);
        }
    }

    [Fact]
    public async Task A_message_that_another_clock_dates_before_its_retention_reaches_every_stream()
    {
        var store = new ScriptedStore { Time = new SteppedTime(TimeProvider.System) { Error = TimeSpan.FromSeconds(-11) } };
        await using var app = await StartAsync(
            feed: feed => feed.RetainFor = TimeSpan.FromSeconds(10),
            configure: builder => builder.Services.AddSingleton<IFeedStore>(store));
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("1", "2");

        Assert.Equal("1", await stream.NextStringAsync());
        Assert.Equal("2", await stream.NextStringAsync());
    }

    [Theory]
    [InlineData(100)]
    [InlineData(-100)]
    public async Task As_long_as_it_says_though_the_clock_is_set_by_days(int days)
    {
        var time = new ManualTime();
        var clock = new SteppedTime(time);
        await using var app = await StartAsync(
            feed: feed => feed.RetainFor = TimeSpan.FromMinutes(1),
            configure: builder => builder.Services.AddSingleton<TimeProvider>(clock));
        await app.PublishAsync("old");
        time.Advance(TimeSpan.FromSeconds(40));
        await app.PublishAsync("new");

        clock.Error = TimeSpan.FromDays(days);

        Assert.Equal(["old", "new"], await RetainedAsync(app));
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(["new"], await RetainedAsync(app));
        time.Advance(TimeSpan.FromSeconds(40));
        Assert.Empty(await RetainedAsync(app));
    }

    [Fact]
    public async Task Messages_that_a_store_hands_over_together_reach_every_stream_however_few_are_retained()
    {
        var store = new ScriptedStore();
        await using var app = await StartAsync(
            feed: feed => feed.Retain = 2,
            configure: builder => builder.Services.AddSingleton<IFeedStore>(store));
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        var handOver = store.StoreBeforeTail([.. Numbers(1, 50)]);

        handOver();

        Assert.Equal(Numbers(1, 50), (await stream.TakeAsync(50)).Select(message => message.Value.GetString()));
    }

    private static async Task<List<string?>> RetainedAsync(TestApp app)
    {
        await using var live = await app.OpenAsync("/");
        var newest = (await live.NextAsync(CometMessageKind.Open)).Id;
        await using var stream = await app.OpenAsync("/?lastEventId=earliest");
        var last = (await stream.NextAsync(CometMessageKind.Open)).Id;
        var retained = new List<string?>();
        while (last != newest)
        {
            var message = await stream.NextAsync(CometMessageKind.Message);
            retained.Add(message.Value.GetString());
            last = message.Id;
        }
        return retained;
    }
}
