using System.Text;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.RabbitMQ.Tests;

public sealed class ManyServersTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

    [Fact]
    public async Task Every_server_sees_all_messages_in_one_order_with_the_same_ids()
    {
        const int Each = 500;
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.ConnectionString);
        var (here, there) = (new RecordingTail(), new RecordingTail());
        await using var hereLog = await first.OpenAsync(_feed, here);
        await using var thereLog = await second.OpenAsync(_feed, there);

        await Task.WhenAll(Enumerable.Range(0, 2 * Each).Select(number => (number % 2 == 0 ? hereLog : thereLog).AppendAsync($"{number}")));

        var entries = await here.ReceiveAsync(2 * Each);
        Assert.Equal(here.Epoch, there.Epoch);
        Assert.Equal(Ids(entries), Ids(await there.ReceiveAsync(2 * Each)));
        Assert.Equal(2 * Each, entries.Select(Text).Distinct().Count());
    }

    [Fact]
    public async Task Servers_that_begin_a_stream_at_once_agree_on_its_epoch()
    {
        var servers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Server.StartAsync(broker.ConnectionString)));
        var tails = Array.ConvertAll(servers, _ => new RecordingTail());

        var logs = await Task.WhenAll(servers.Zip(tails, (server, tail) => server.OpenAsync(_feed, tail)));
        await Task.WhenAll(logs.Select((log, index) => log.AppendAsync($"{index}")));

        foreach (var tail in tails)
        {
            Assert.Equal(Ids(await tails[0].ReceiveAsync(8)), Ids(await tail.ReceiveAsync(8)));
        }
        Assert.Single(tails.Select(tail => tail.Epoch).Distinct());
        Assert.All(tails, tail => Assert.Equal(1, tail.Resets));
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_loses_one_server_resumes_on_another(bool fromMemory)
    {
        await using var first = await Server.StartAsync(broker.ConnectionString);
        var recentBytes = fromMemory ? 1 << 20 : 0;
        await using var second = await Server.StartAsync(broker.ConnectionString, options => options.RecentBytes = recentBytes);
        var (here, there) = (first.Feed(_feed, new FeedOptions()), second.Feed(_feed, new FeedOptions()));
        var positions = new List<FeedPosition>();
        foreach (var text in Payloads.Numbers(0, 100))
        {
            positions.Add(await here.PublishAsync(text));
        }

        foreach (var index in (int[])[0, 50, 98])
        {
            Assert.Equal(Payloads.Numbers(index + 1, 99 - index), await ReadAsync(there, positions[index], 99 - index));
        }
        Assert.Equal(Payloads.Numbers(0, 100), await ReadAsync(there, FeedPosition.Earliest, 100));
    }

    [Fact]
    public async Task A_client_resumes_on_a_server_that_has_not_opened_its_feed()
    {
        await using var first = await Server.StartAsync(broker.ConnectionString, options => options.Partitions = 1);
        await using var second = await Server.StartAsync(broker.ConnectionString, options => options.Partitions = 1);
        await using var other = await second.OpenAsync($"{_feed}/other", new RecordingTail());
        var feed = first.Feed($"{_feed}/mine", new FeedOptions());
        var position = await feed.PublishAsync("0");
        await feed.PublishAsync("1");
        await first.Feed($"{_feed}/third", new FeedOptions()).PublishAsync("x");

        Assert.Equal(["1"], await ReadAsync(second.Feed($"{_feed}/mine", new FeedOptions()), position, 1));
    }

    [Fact]
    public async Task A_position_without_a_message_is_valid_on_all_servers()
    {
        await using var first = await Server.StartAsync(broker.ConnectionString);
        var (here, there) = (new RecordingTail(), new RecordingTail());
        await using var log = await first.OpenAsync($"{_feed}/a", here);
        await log.AppendAsync("1");
        await using var other = await first.OpenAsync($"{_feed}/b", new RecordingTail());

        // A server that joins late and holds little in memory gives a later offset as the feed's head than the first server.
        await using var second = await Server.StartAsync(broker.ConnectionString, options => options.RecentBytes = 0);
        await using var late = await second.OpenAsync($"{_feed}/a", there);
        for (var number = 0; number < 3; number++)
        {
            await other.AppendAsync("0");
        }

        await using var again = await second.OpenAsync($"{_feed}/a", there);
        Assert.True(await log.ReachAsync(new FeedPosition(there.Epoch, there.Start), TestContext.Current.CancellationToken));
        Assert.False(await log.ReachAsync(new FeedPosition(there.Epoch, there.Start + 1000), TestContext.Current.CancellationToken));
        Assert.False(await log.ReachAsync(new FeedPosition("0123456789", 1), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_position_that_no_server_can_have_handed_out_causes_no_marker()
    {
        await using var server = await Server.StartAsync(broker.ConnectionString);
        await using var log = await server.OpenAsync(_feed, new RecordingTail());
        var before = await log.AppendAsync("1");

        foreach (var epoch in (string[])["zzzz", "0123456789a", "012345678", "ABCDEF0123"])
        {
            Assert.False(await log.ReachAsync(new FeedPosition(epoch, 1), TestContext.Current.CancellationToken));
        }

        Assert.Equal(before.Offset + 1, (await log.AppendAsync("2")).Offset);
    }

    [Fact]
    public async Task A_server_that_is_cut_off_does_not_reject_a_newer_position()
    {
        await using var proxy = broker.NewProxy();
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.Through(proxy));
        var (here, there) = (first.Feed(_feed, new FeedOptions()), second.Feed(_feed, new FeedOptions()));
        await here.PublishAsync("0");
        await ReadAsync(there, FeedPosition.Earliest, 1);
        proxy.Silence();
        var position = await here.PublishAsync("1");
        await here.PublishAsync("2");
        second.SetTimeout(Server.Brief);

        await Assert.ThrowsAsync<FeedUnavailableException>(() => ReadAsync(there, position, 1));

        second.SetTimeout(Eventually.Patience);
        proxy.Open();
        Assert.Equal(["2"], await ReadAsync(there, position, 1));
    }

    [Fact]
    public async Task A_thousand_feeds_of_a_family_share_a_few_streams()
    {
        await using var server = await Server.StartAsync(broker.ConnectionString, options => options.Partitions = 3);
        var feeds = Enumerable.Range(0, 1000).Select(key => server.Feed($"{_feed}/{key}", new FeedOptions())).ToList();

        await Task.WhenAll(feeds.Select((feed, key) => feed.PublishAsync($"{key}").AsTask()));

        for (var key = 0; key < feeds.Count; key += 100)
        {
            Assert.Equal([$"{key}"], await ReadAsync(feeds[key], FeedPosition.Earliest, 1));
        }
        (string, bool)[] names = [("{0}:0", true), ("{0}:1", true), ("{0}:2", true), ("{0}:3", false), ("{0}", false), ("{0}/0", false)];
        foreach (var (stream, exists) in names)
        {
            await using var raw = await RawStream.OpenAsync(broker, $"comet.{stream.Replace("{0}", _feed, StringComparison.Ordinal)}");
            Assert.True(exists == await raw.ExistsAsync(), $"{raw.Name} is {(exists ? "not there" : "there")}.");
        }
    }

    [Fact]
    public async Task A_client_is_told_when_retention_has_removed_what_follows_its_position()
    {
        var little = new FeedOptions { Retain = 1, RetainBytes = 1 << 20 };
        await using var first = await Server.StartAsync(broker.ConnectionString);
        var feed = first.Feed(_feed, little);
        var oldest = await feed.PublishAsync("oldest");
        var large = new string('x', 250_000);
        for (var number = 0; number < 40; number++)
        {
            await feed.PublishAsync(large);
        }
        var newest = await feed.PublishAsync("newest");

        await using var second = await Server.StartAsync(broker.ConnectionString, options => options.RecentBytes = 0);
        var there = second.Feed(_feed, little);

        await Assert.ThrowsAsync<FeedPositionLostException>(() => ReadAsync(there, oldest, 1));
        var kept = await ReadAsync(there, FeedPosition.Earliest, 1000, last: "newest");
        Assert.InRange(kept.Count, 5, 40);
        await feed.PublishAsync("next");
        Assert.Equal(["next"], await ReadAsync(there, newest, 1));
    }

    private static List<(long Offset, string Text)> Ids(IEnumerable<FeedEntry> entries) =>
        entries.Select(entry => (entry.Offset, Text(entry))).ToList();

    private static string Text(FeedEntry entry) => Encoding.UTF8.GetString(entry.Payload.Span);

    private static async Task<List<string>> ReadAsync(Feed<string> feed, FeedPosition after, int count, string? last = null)
    {
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        var texts = new List<string>();
        await foreach (var message in feed.ReadAsync(after, deadline.Token))
        {
            texts.Add(message.Value);
            if (texts.Count == count || message.Value == last)
            {
                break;
            }
        }
        return texts;
    }
}
