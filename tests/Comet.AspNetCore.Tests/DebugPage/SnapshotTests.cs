using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Comet.AspNetCore.Hosting;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.DebugPage.DebuggedApp;

namespace Comet.AspNetCore.Tests.DebugPage;

/// <summary>What the debug page is told of an app of which everything is known.</summary>
public class SnapshotTests
{
    private const string Hostile = "</script><img src=x onerror=alert(1)>\u2028'\"&";

    [Fact]
    public async Task Streams_are_shown_by_their_feeds_or_paths_and_the_pages_own_are_not()
    {
        var source = new Source<string>();
        await using var app = await StartAsync(source: source, configure: builder => builder.Configuration["Comet:MaxStreams"] = "4");
        using var meter = new RecordedMeter(app);
        await using var first = await app.OpenAsync("/news", CometFormat.ServerSentEvents);
        await using var second = await app.OpenAsync("/news");
        await using var rooms = await app.OpenAsync("/rooms?feed=rooms/b&feed=rooms/a&feed=rooms/d&feed=rooms/c", CometFormat.Ndjson);
        await using var sequence = await app.OpenAsync("/source", CometFormat.Ndjson);
        await source.Started.WithPatience();
        await using var other = await app.OpenSnapshotsAsync();
        await using var snapshots = await app.OpenSnapshotsAsync();

        var streams = (await snapshots.NextSnapshotAsync(static snapshot => snapshot.Streams is { Beginning: 0, Rows.Count: 4 })).Streams;

        Assert.Equal((4, 4, 0, 0), (streams.Open, streams.Matching, streams.Slow, streams.Unread));
        Assert.Equal(
            ["/source ndjson", "news script", "news sse", "rooms/a + rooms/b + rooms/c + 1 more ndjson"],
            streams.Rows.Select(static row => $"{row.Name} {row.Format}").Order(StringComparer.Ordinal));
        Assert.Equal(["/source"], streams.Rows.Where(static row => row.IsSequence).Select(static row => row.Name));
        Assert.All(streams.Rows, static row => Assert.Equal(
            (row.IsSequence ? null : 0L, false, "127.0.0.1"), (row.Lag, row.IsSlow, row.Holder)));
        Assert.All(streams.Rows, static row => Assert.InRange(row.Bytes, 1, 4096));
        Assert.Equal(4, app.OpenStreams);
        Assert.Equal(4, meter.Sum("comet.stream.active"));
        Assert.Empty(meter.Of("comet.request.rejected"));
    }

    [Fact]
    public async Task Rates_are_what_has_come_since_the_snapshot_before()
    {
        var source = new Source<string>();
        await using var app = await StartAsync(source: source);
        await using var stream = await app.OpenAsync("/news", CometFormat.Ndjson);
        await using var sequence = await app.OpenAsync("/source", CometFormat.Ndjson);
        await using var snapshots = await app.OpenSnapshotsAsync();
        var first = await snapshots.NextSnapshotAsync(static snapshot => snapshot.Streams.Rows.Count == 2);
        var known = first.Streams.Rows.ToDictionary(static row => row.Name, static row => row.Number);
        await snapshots.NextSnapshotAsync(static snapshot => snapshot.Streams.Rows.All(static row => row.MessagesPerSecond == 0));

        await app.News().PublishAsync(new string('x', 500));
        source.Give(new string('x', 500));

        var (feed, bySource) = (0.0, 0.0);
        while (feed == 0 || bySource == 0)
        {
            var snapshot = await snapshots.NextSnapshotAsync();
            Assert.All(snapshot.Streams.Rows, row => Assert.Equal(known[row.Name], row.Number));
            var (ofFeed, ofSource) = (RowOf(snapshot, "news"), RowOf(snapshot, "/source"));
            Assert.All([ofFeed, ofSource], static row => Assert.Equal(row.MessagesPerSecond > 0, row.BytesPerSecond > 400));
            Assert.Equal(ofFeed.MessagesPerSecond > 0, snapshot.Feeds.Rows.Single(static row => row.Name == "news").MessagesPerSecond > 0);
            (feed, bySource) = (feed + ofFeed.MessagesPerSecond!.Value, bySource + ofSource.MessagesPerSecond!.Value);
        }
        Assert.InRange(feed, 0.1, 2); // one message, in about a second

        static DebugStream RowOf(DebugSnapshot snapshot, string name) => snapshot.Streams.Rows.Single(row => row.Name == name);
    }

    /// <summary>As the page asks where something holds a stream back.</summary>
    [Fact]
    public async Task A_poll_has_rates_too()
    {
        await using var app = await StartAsync();
        await app.PublishAsync("1");
        await using var poll = await app.OpenSnapshotsAsync("?wait=60");

        var snapshot = await poll.NextSnapshotAsync();

        Assert.Equal(0, snapshot.Feeds.Rows.Single(static row => row.Name == "news").MessagesPerSecond);
        Assert.Equal("polled", (await poll.NextAsync(CometMessageKind.End)).Reason);
    }

    [Fact]
    public async Task A_feed_has_its_head_what_is_retained_and_its_readers()
    {
        await using var app = await StartAsync(feed => feed.Retain = 3);
        var ids = await app.PublishAsync(NewsApp.Numbers(1, 5));
        await using var first = await app.OpenAsync("/news", CometFormat.Ndjson);
        await using var second = await app.OpenAsync("/news", CometFormat.ServerSentEvents);
        await using var room = await app.OpenAsync("/rooms?feed=rooms/1", CometFormat.Ndjson);
        await app.Services.GetRequiredService<KeyedFeeds<int>>().Get("2").CompleteAsync();
        await using var snapshots = await app.OpenSnapshotsAsync();

        var feeds = (await snapshots.NextSnapshotAsync(static snapshot => snapshot.Streams is { Beginning: 0, Rows.Count: 3 })).Feeds;

        Assert.Equal(["news", "quiet", "rooms/1", "rooms/2"], feeds.Rows.Select(static row => row.Name));
        Assert.Equal(["open", "closed", "open", "completed"], feeds.Rows.Select(static row => row.State));
        Assert.Equal([2, 0, 1, 0], feeds.Rows.Select(static row => row.Readers));
        Assert.Equal([3, 0, 0, 0], feeds.Rows.Select(static row => row.Messages));
        Assert.Equal((4, 4), (feeds.Count, feeds.Matching));
        Assert.Equal((ids[4], ids[2]), (feeds.Rows[0].Head, feeds.Rows[0].Oldest));
        Assert.False(feeds.Rows[0].HasStore);
        Assert.Equal(("rooms", 2, 1), (feeds.Families.Single().Name, feeds.Families.Single().Keys, feeds.Families.Single().Readers));
    }

    [Fact]
    public async Task Ends_and_rejections_are_counted_by_their_reasons()
    {
        var source = new Source<string>();
        await using var app = await StartAsync(source: source);
        await using var snapshots = await app.OpenSnapshotsAsync();
        var before = (await snapshots.NextSnapshotAsync()).Outcomes;
        Assert.Empty(before.Ended);

        for (var i = 0; i < 2; i++)
        {
            await using var left = await app.OpenAsync("/news", CometFormat.Ndjson);
        }
        await using (var sequence = await app.OpenAsync("/source", CometFormat.ServerSentEvents))
        {
            source.Complete();
            await sequence.RestAsync();
        }
        using var bad = await app.GetAsync("/news?lastEventId=x");
        using var alsoBad = await app.GetAsync("/news?lastEventId=y");
        using var crossSite = await app.GetAsync("/source", ("Sec-Fetch-Site", "cross-site"));
        using var own = await app.GetAsync("/_comet/stream?wait=x");
        await (await app.OpenSnapshotsAsync()).DisposeAsync();

        var outcomes = (await snapshots.NextSnapshotAsync(static snapshot =>
            snapshot.Outcomes.Ended.Sum(static end => end.Count) == 3 &&
            snapshot.Outcomes.Rejected.Sum(static rejection => rejection.Count) == 3)).Outcomes;
        Assert.Equal(
            ["client-disconnected news ndjson 2", "completed  sse 1"],
            outcomes.Ended.Select(static end => $"{end.Reason} {end.Feed} {end.Format} {end.Count}").Order(StringComparer.Ordinal));
        Assert.Equal(
            ["bad-id 2", "cross-site 1"],
            outcomes.Rejected.Select(static rejection => $"{rejection.Reason} {rejection.Count}").Order(StringComparer.Ordinal));
        Assert.Equal(before.Since, outcomes.Since);
    }

    [Fact]
    public async Task A_slow_client_is_first_with_its_lag()
    {
        await using var app = await StartAsync(
            feed => feed.WhenSlow = SlowClientPolicy.Skip,
            configure: static builder => builder.Configuration["Comet:WriteTimeout"] = "00:10:00");
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var slow = await TestStream.OpenAsync(client, "/news", CometFormat.Ndjson, null);
        await slow.NextAsync(CometMessageKind.Open);
        await using var fast = await app.OpenAsync("/news", CometFormat.ServerSentEvents);
        await fast.NextAsync(CometMessageKind.Open);
        for (var i = 0; i < 100; i++)
        {
            await app.PublishAsync(new string('x', 100_000));
            await fast.NextAsync(CometMessageKind.Message);
        }
        await using var snapshots = await app.OpenSnapshotsAsync();

        var streams = (await snapshots.NextSnapshotAsync(
            static snapshot => snapshot.Streams.Rows.Any(static row => row.Waiting > 1000))).Streams;

        Assert.Equal(1, streams.Slow);
        Assert.Equal([("ndjson", true), ("sse", false)], streams.Rows.Select(static row => (row.Format, row.IsSlow)));
        Assert.InRange(streams.Rows[0].Lag!.Value, 1, 100);
        Assert.Equal(0, streams.Rows[1].Lag);
        while ((await snapshots.NextSnapshotAsync()).Outcomes.Slow is not [{ Feed: "news", Count: > 0, Most: > 0 }])
        {
            await slow.NextAsync(); // until the server can write to it again
        }
    }

    [Fact]
    public async Task The_newest_messages_are_text_and_long_ones_are_cut_between_characters()
    {
        await using var app = await StartAsync();
        var ids = await app.PublishAsync(Hostile, new string('é', 5000));

        var messages = (await app.TakeSnapshotAsync("?feed=news")).Messages!;

        Assert.Equal(("news", null), (messages.Feed, messages.Problem));
        Assert.Equal([ids[1], ids[0]], messages.Rows.Select(static row => row.Id));
        var payload = Encoding.UTF8.GetString(app.Services.GetRequiredService<Feed<string>>().Encode(Hostile));
        Assert.Equal((payload, 0), (messages.Rows[1].Text, messages.Rows[1].BytesCut));
        var text = messages.Rows[0].Text;
        Assert.InRange(text.Length, 100, 1000);
        Assert.DoesNotContain('\uFFFD', text);
        Assert.Equal(messages.Rows[0].Bytes, Encoding.UTF8.GetByteCount(text) + messages.Rows[0].BytesCut);
    }

    [Theory]
    [InlineData("quiet")]
    [InlineData("rooms/7")]
    [InlineData("no such name")]
    [InlineData("")]
    public async Task A_feed_that_is_not_in_use_has_no_messages_and_does_not_begin(string name)
    {
        await using var app = await StartAsync();

        var snapshot = await app.TakeSnapshotAsync("?feed=" + Uri.EscapeDataString(name));

        Assert.Equal("This server has no feed of this name in use.", snapshot.Messages!.Problem);
        Assert.DoesNotContain(snapshot.Feeds.Rows, static row => row.State != "closed");
    }

    [Fact]
    public async Task Of_many_feeds_the_busiest_are_shown_and_a_filter_finds_the_others()
    {
        const int Keys = 10_000;
        await using var app = await StartAsync();
        var rooms = app.Services.GetRequiredService<KeyedFeeds<int>>();
        for (var key = 0; key < Keys; key++)
        {
            await rooms.Get(key.ToString("D5", CultureInfo.InvariantCulture)).PublishAsync(key);
        }
        await using var snapshots = await app.OpenSnapshotsAsync();
        await snapshots.NextSnapshotAsync(static snapshot => snapshot.Feeds.MessagesPerSecond == 0);
        await rooms.Get("07777").PublishAsync(0);

        var feeds = (await snapshots.NextSnapshotAsync(static snapshot => snapshot.Feeds.MessagesPerSecond > 0)).Feeds;
        var found = (await app.TakeSnapshotAsync("?filter=ROOMS/0999")).Feeds;

        Assert.Equal((Keys + 2, Keys + 2, 100), (feeds.Count, feeds.Matching, feeds.Rows.Count));
        Assert.Equal("rooms/07777", feeds.Rows[0].Name);
        Assert.Equal(Keys, feeds.Families.Single().Keys);
        Assert.Equal(Enumerable.Range(0, 10).Select(static i => $"rooms/0999{i}"), found.Rows.Select(static row => row.Name));
        Assert.Equal((Keys + 2, 10), (found.Count, found.Matching));
    }

    [Fact]
    public async Task Of_many_streams_some_of_each_kind_are_shown_and_all_are_counted()
    {
        await using var app = await StartAsync();
        var streams = new List<TestStream> { await app.OpenAsync("/rooms?feed=rooms/1", CometFormat.Ndjson) };
        for (var i = 0; i < 150; i++)
        {
            streams.Add(await app.OpenAsync("/news", CometFormat.Ndjson));
        }
        await using var snapshots = await app.OpenSnapshotsAsync();

        var all = await snapshots.NextSnapshotAsync(static snapshot => snapshot.Streams is { Beginning: 0, Open: 151 });
        var rooms = await app.TakeSnapshotAsync("?filter=rooms");

        Assert.Equal((151, 100), (all.Streams.Matching, all.Streams.Rows.Count));
        Assert.Equal(150, all.Feeds.Rows.Single(static row => row.Name == "news").Readers);
        Assert.Equal("rooms/1", rooms.Streams.Rows.Single().Name);
        foreach (var stream in streams)
        {
            await stream.DisposeAsync();
        }
    }

    [Fact]
    public async Task Nothing_is_counted_while_nobody_reads()
    {
        await using var app = await StartAsync();
        var instruments = new List<Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Scope == app.Services.GetRequiredService<IMeterFactory>() &&
                    instrument.Meter.Name == "Comet.AspNetCore")
                {
                    instruments.Add(instrument);
                }
            },
        };
        await app.PublishAsync("makes the meter");
        listener.Start();
        Assert.NotEmpty(instruments);
        Assert.DoesNotContain(instruments, static instrument => instrument.Enabled);

        await using (var snapshots = await app.OpenSnapshotsAsync())
        {
            await snapshots.NextSnapshotAsync();
            Assert.Equal(
                ["comet.request.rejected", "comet.stream.duration", "comet.stream.lag"],
                instruments.Where(static instrument => instrument.Enabled).Select(static instrument => instrument.Name).Order());
        }

        await Eventually.HoldsAsync(() => !instruments.Exists(static instrument => instrument.Enabled), "the page listens no longer");
    }

    [Fact]
    public async Task A_host_that_drains_does_not_wait_for_the_page()
    {
        await using var app = await StartAsync(configure: static builder => builder.Configuration["Comet:Drain"] = "01:00:00");
        await using var snapshots = await app.OpenSnapshotsAsync();
        await snapshots.NextSnapshotAsync();

        var stop = app.StopAsync();
        var end = await snapshots.UntilAsync(static message => message.Kind == CometMessageKind.End);
        await stop.WithPatience();

        Assert.Equal("shutting-down", end.Reason);
    }
}
