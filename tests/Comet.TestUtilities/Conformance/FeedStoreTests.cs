using System.Globalization;
using System.Text;
using Comet.AspNetCore;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Builder;

namespace Comet.TestUtilities.Conformance;

/// <summary>What every store does, called directly and through a feed.</summary>
public abstract class FeedStoreTests
{
    /// <summary>Adds the store. All hosts of one test share the logs, if the store keeps them.</summary>
    protected abstract void AddStore(WebApplicationBuilder builder);

    /// <summary>A feed's name that no other test uses.</summary>
    protected static string NewName() => "feed-" + Guid.NewGuid().ToString("N");

    protected static FeedRetention Plenty { get; } = new(1_000_000, 1L << 30, TimeSpan.FromDays(1));

    protected Task<StoreHost> StartAsync() => StoreHost.StartAsync(AddStore);

    protected static async Task<IFeedLog> OpenAsync(StoreHost host, string feed, IFeedTail tail) =>
        await host.Store.OpenAsync(FeedName.Parse(feed), Plenty, tail, TestContext.Current.CancellationToken).AsTask().WithPatience();

    protected static Task<FeedPosition> AppendAsync(IFeedLog log, string json, CancellationToken cancellationToken = default) =>
        log.AppendAsync(Payloads.Of(json), cancellationToken).AsTask().WithPatience();

    [Fact]
    public async Task A_tail_is_reset_before_its_log_is_open()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();

        await using var log = await OpenAsync(host, NewName(), tail);

        Assert.Equal(1, tail.Resets);
        Assert.Equal(0, tail.Start);
        Assert.Empty(tail.Entries);
    }

    [Fact]
    public async Task Entries_reach_the_tail_in_order_and_once_with_the_positions_that_were_confirmed()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);
        var before = DateTimeOffset.UtcNow;

        var positions = new List<FeedPosition>();
        for (var number = 0; number < 100; number++)
        {
            positions.Add(await AppendAsync(log, number.ToString(CultureInfo.InvariantCulture)));
        }

        var entries = await tail.ReceiveAsync(100);
        Assert.Equal(Payloads.Numbers(0, 100), tail.Texts);
        Assert.Equal(positions, entries.ConvertAll(entry => new FeedPosition(tail.Epoch, entry.Offset)));
        Assert.True(entries[0].Offset >= 1, "Offsets begin at 1.");
        Assert.All(entries.Zip(entries.Skip(1)), pair => Assert.True(pair.First.Offset < pair.Second.Offset));
        Assert.All(entries, entry => Assert.InRange(entry.At, before.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1)));
        Assert.Equal(1, tail.Resets);
    }

    [Fact]
    public async Task Concurrent_appends_get_offsets_of_their_own_and_keep_the_order_of_each_publisher()
    {
        const int Publishers = 16;
        const int Each = 50;
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);

        var confirmed = await Task.WhenAll(Enumerable.Range(0, Publishers).Select(publisher => Task.Run(async () =>
        {
            var mine = new List<(long Offset, string Text)>();
            for (var number = 0; number < Each; number++)
            {
                var text = $"\"{publisher}:{number}\"";
                mine.Add(((await AppendAsync(log, text)).Offset, text));
            }
            return mine;
        })));

        var entries = await tail.ReceiveAsync(Publishers * Each);
        Assert.Equal(
            confirmed.SelectMany(mine => mine).OrderBy(entry => entry.Offset),
            entries.Select(entry => (entry.Offset, Encoding.UTF8.GetString(entry.Payload.Span))));
        Assert.All(confirmed, mine => Assert.Equal(mine.OrderBy(entry => entry.Offset), mine));
    }

    [Fact]
    public async Task Appends_that_nobody_waited_for_keep_their_order()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);

        var appends = Payloads.Numbers(0, 1000).Select(text => AppendAsync(log, text)).ToList();
        var positions = await Task.WhenAll(appends);

        await tail.ReceiveAsync(1000);
        Assert.Equal(Payloads.Numbers(0, 1000), tail.Texts);
        Assert.Equal(1000, positions.Distinct().Count());
    }

    [Fact]
    public async Task Payloads_come_back_byte_by_byte()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);

        foreach (var json in Payloads.Odd)
        {
            await AppendAsync(log, json);
        }

        await tail.ReceiveAsync(Payloads.Odd.Length);
        Assert.Equal(Payloads.Odd, tail.Texts);
    }

    [Fact]
    public async Task Feeds_do_not_see_each_other_whatever_their_names()
    {
        await using var host = await StartAsync();
        var family = NewName();
        string[] keys =
        [
            "a", "A", "a ", " a", "a/b", "%2F", "..", "'\"", "\u00fc", "u\u0308", "\ud83d\ude00", "*", "#", "a.b", "a_b", new('k', 200),
        ];
        var feeds = new List<(string Name, RecordingTail Tail, IFeedLog Log)>();
        foreach (var name in keys.Select(key => $"{family}/{key}").Append(family))
        {
            var tail = new RecordingTail();
            feeds.Add((name, tail, await OpenAsync(host, name, tail)));
        }

        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(feeds.Select((feed, index) => AppendAsync(feed.Log, $"[{index},{round}]")));
        }

        foreach (var (feed, index) in feeds.Select((feed, index) => (feed, index)))
        {
            await feed.Tail.ReceiveAsync(3);
            Assert.Equal([$"[{index},0]", $"[{index},1]", $"[{index},2]"], feed.Tail.Texts);
            await feed.Log.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_cancelled_call_ends_and_harms_nothing()
    {
        await using var host = await StartAsync();
        var feed = NewName();
        var tail = new RecordingTail();
        var cancelled = new CancellationToken(canceled: true);
        await using var log = await OpenAsync(host, feed, tail);

        await EndsAsync(async () => await log.AppendAsync(Payloads.Of(1), cancelled));
        await EndsAsync(async () => await log.ReadAsync(0, 10, cancelled));
        await EndsAsync(async () => await (await host.Store.OpenAsync(FeedName.Parse(feed), Plenty, new RecordingTail(), cancelled)).DisposeAsync());

        var position = await AppendAsync(log, "2");
        var entries = await tail.ReceiveAsync(1);
        Assert.Equal("2", tail.Texts[^1]);
        Assert.Equal(position.Offset, entries[^1].Offset);

        // A store that finishes before the cancellation may succeed.
        static async Task EndsAsync(Func<Task> call)
        {
            if (await Record.ExceptionAsync(() => call().WithPatience()) is { } exception)
            {
                Assert.IsAssignableFrom<OperationCanceledException>(exception);
            }
        }
    }

    [Fact]
    public async Task A_closed_log_leaves_its_tail_alone()
    {
        await using var host = await StartAsync();
        var feed = NewName();
        var tail = new RecordingTail();
        var log = await OpenAsync(host, feed, tail);
        await AppendAsync(log, "1");
        await tail.ReceiveAsync(1);

        await log.DisposeAsync();
        await log.DisposeAsync();

        var next = new RecordingTail();
        await using var again = await OpenAsync(host, feed, next);
        await AppendAsync(again, "2");
        await next.ReceiveAsync(1);
        Assert.Equal(["2"], next.Texts);
        Assert.Equal(["1"], tail.Texts);
    }

    [Fact]
    public async Task A_closed_log_takes_no_more()
    {
        await using var host = await StartAsync();
        var log = await OpenAsync(host, NewName(), new RecordingTail());
        await AppendAsync(log, "1");
        await log.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => AppendAsync(log, "2"));
    }

    [Fact]
    public async Task Whoever_uses_a_feed_after_the_end_is_told_so()
    {
        var host = await StartAsync();
        var (used, unused) = (host.Feed(NewName(), new FeedOptions()), host.Feed(NewName(), new FeedOptions()));
        await used.PublishAsync("1");
        await host.DisposeAsync();

        foreach (var feed in (Feed<string>[])[used, unused])
        {
            var exception = await Assert.ThrowsAsync<ObjectDisposedException>(async () => await feed.PublishAsync("2").AsTask().WithPatience());
            Assert.StartsWith("The app has ended, and its feeds with it.", exception.Message);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => ReadAsync(feed, FeedPosition.Earliest, 1).WithPatience());
        }
    }

    [Fact]
    public async Task A_feed_gives_what_follows_any_of_its_positions_and_then_goes_on_live()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        var texts = Payloads.Numbers(0, 40);
        var positions = new List<FeedPosition>();
        foreach (var text in texts[..20])
        {
            positions.Add(await feed.PublishAsync(text));
        }

        var readers = positions.Select((position, index) => ReadAsync(feed, position, 39 - index)).ToList();
        var earliest = ReadAsync(feed, FeedPosition.Earliest, 40);
        foreach (var text in texts[20..])
        {
            await feed.PublishAsync(text);
        }

        Assert.Equal(texts, await earliest);
        for (var index = 0; index < readers.Count; index++)
        {
            Assert.Equal(texts[(index + 1)..], await readers[index]);
        }
    }

    [Fact]
    public async Task Readers_that_come_while_others_publish_miss_nothing_and_see_nothing_twice()
    {
        const int Messages = 2000;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = 2 * Messages });

        var publishing = Task.Run(async () =>
        {
            foreach (var text in Payloads.Numbers(0, Messages))
            {
                await feed.PublishAsync(text);
            }
        });
        var readers = new List<Task<List<string>>>();
        while (!publishing.IsCompleted && readers.Count < 50)
        {
            readers.Add(ReadAsync(feed, FeedPosition.Earliest, Messages));
            await Task.WhenAny(publishing, Task.Delay(5));
        }
        await publishing;

        var expected = Payloads.Numbers(0, Messages);
        Assert.All(await Task.WhenAll(readers), texts => Assert.Equal(expected, texts));
    }

    [Fact]
    public async Task A_reader_gets_everything_after_its_position_or_is_told_that_it_cannot()
    {
        const int Retain = 50;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = Retain });
        var texts = Payloads.Numbers(0, 5 * Retain);
        var positions = new List<FeedPosition>();
        foreach (var text in texts)
        {
            positions.Add(await feed.PublishAsync(text));
        }

        for (var index = 0; index < texts.Length - 1; index++)
        {
            var reading = ReadAsync(feed, positions[index], texts.Length - 1 - index);
            if (await Record.ExceptionAsync(() => reading) is { } exception)
            {
                Assert.Equal(positions[index], Assert.IsType<FeedPositionLostException>(exception).Position);
                Assert.True(index < texts.Length - 1 - Retain, $"The message after {index} of {texts.Length} is retained.");
            }
            else
            {
                Assert.Equal(texts[(index + 1)..], await reading);
            }
        }
        Assert.Equal(texts[^Retain..], (await ReadAsync(feed, FeedPosition.Earliest, Retain, last: texts[^1]))[^Retain..]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_position_that_the_log_never_had_is_lost(bool otherEpoch)
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        await feed.PublishAsync("before");
        var head = await feed.PublishAsync("head");
        var position = otherEpoch ? new FeedPosition("another", 1) : head with { Offset = head.Offset + 1000 };

        var exception = await Assert.ThrowsAsync<FeedPositionLostException>(() => ReadAsync(feed, position, 1));

        Assert.Equal(position, exception.Position);
    }

    /// <summary>The next messages after a position: this many, or up to the last.</summary>
    protected static async Task<List<string>> ReadAsync(Feed<string> feed, FeedPosition? after, int count, string? last = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Eventually.Patience);
        var texts = new List<string>();
        try
        {
            await foreach (var message in feed.ReadAsync(after, deadline.Token))
            {
                texts.Add(message.Value);
                if (last is null ? texts.Count == count : message.Value == last)
                {
                    break;
                }
                deadline.CancelAfter(Eventually.Patience); // for each message anew: the publisher may be slow
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"The reader after {after} got {texts.Count} of {count} messages: {string.Join(' ', texts.TakeLast(20))}");
        }
        return texts;
    }
}
