using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>The file keeps exactly what retention says, and no offset is given twice.</summary>
public sealed class SqliteRetentionTests : SqliteFileTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task As_many_entries_are_kept_as_retention_says()
    {
        await using var host = await StartAsync(_time);
        await using var log = await OpenAsync(host, new RecordingTail(), Plenty with { Entries = 3 });

        for (var number = 0; number < 10; number++)
        {
            await AppendAsync(log, number);

            var page = await log.ReadAsync(0, 100, CancellationToken.None);
            Assert.Equal(Math.Max(0, number - 2), page.TrimmedThrough);
            var expected = Enumerable.Range(Math.Max(0, number - 2), Math.Min(3, number + 1)).Select(value => (long)value);
            Assert.Equal(expected, await ReadAllAsync(log));
        }
    }

    [Fact]
    public async Task As_many_bytes_are_kept_as_retention_says_and_the_newest_whatever_its_size()
    {
        await using var host = await StartAsync(_time);
        await using var log = await OpenAsync(host, new RecordingTail(), Plenty with { Bytes = 10 });

        await AppendManyAsync(log, 3);
        Assert.Equal([0, 1, 2], await ReadAllAsync(log));
        await AppendAsync(log, 12345678);
        Assert.Equal([1, 2, 12345678], await ReadAllAsync(log));
        await AppendAsync(log, 123456789012);
        Assert.Equal([123456789012], await ReadAllAsync(log));
        await AppendAsync(log, 7);
        Assert.Equal([7], await ReadAllAsync(log));
    }

    [Fact]
    public async Task Entries_are_removed_when_they_are_too_old_even_if_nothing_is_appended()
    {
        await using var host = await StartAsync(_time);
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail, Plenty with { Age = TimeSpan.FromMinutes(1) });
        await AppendManyAsync(log, 2);
        _time.Advance(TimeSpan.FromSeconds(40));
        await AppendAsync(log, 2);

        _time.Advance(TimeSpan.FromSeconds(30));
        await HoldsAsync(log, [2]);
        _time.Advance(TimeSpan.FromSeconds(40));
        await HoldsAsync(log, []);

        Assert.Equal(3, (await log.ReadAsync(0, 10, CancellationToken.None)).TrimmedThrough);
        Assert.Equal(4, (await AppendAsync(log, 3)).Offset);
        Assert.Equal([3], await ReadAllAsync(log));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_feed_that_has_lost_all_entries_goes_on_with_higher_offsets_after_a_restart(bool loses)
    {
        FeedPosition last;
        await using (var host = await StartAsync(_time))
        {
            await using var log = await OpenAsync(host, new RecordingTail(), Plenty with { Age = TimeSpan.FromMinutes(1) });
            last = (await AppendManyAsync(log, 5))[^1];
            if (loses)
            {
                _time.Advance(TimeSpan.FromMinutes(2));
                await HoldsAsync(log, []);
            }
        }

        _time.Advance(TimeSpan.FromMinutes(2));
        await using var restarted = await StartAsync(_time);
        await using var other = await OpenAsync(restarted, new RecordingTail(), feed: "other");
        _time.Advance(TimeSpan.FromSeconds(5)); // a sweep before the feed is opened
        await (await OpenAsync(restarted, new RecordingTail(), feed: "other")).DisposeAsync();
        Assert.Equal(0L, Query("SELECT count(*) FROM entries"));
        var tail = new RecordingTail();
        await using var again = await OpenAsync(restarted, tail, Plenty with { Age = TimeSpan.FromMinutes(1) });

        Assert.Equal(last, new FeedPosition(tail.Epoch, tail.Start));
        Assert.Equal(last with { Offset = 6 }, await AppendAsync(again, 6));
    }

    [Fact]
    public async Task A_sweep_that_ends_with_the_last_entry_of_a_feed_gives_no_offset_twice()
    {
        const int Feeds = 57;
        const int Each = 18; // together as many as one transaction with a sweep and an opening removes
        await using var host = await StartAsync(_time);
        using var holder = new HoldingTail();
        await using var other = await OpenAsync(host, holder, feed: "other");
        _time.Advance(TimeSpan.Zero); // the sweep at the start
        var retention = Plenty with { Age = TimeSpan.FromSeconds(4) };
        var before = new List<FeedPosition>();
        for (var key = 0; key < Feeds; key++)
        {
            await using var log = await OpenAsync(host, new RecordingTail(), retention, $"users/{key}");
            before.AddRange(await AppendManyAsync(log, Each));
        }
        var holding = AppendAsync(other, 0);
        await holder.Held.WithPatience();

        _time.Advance(TimeSpan.FromSeconds(5));
        var opening = OpenAsync(host, new RecordingTail(), retention, $"users/{Feeds - 1}");
        holder.Release();
        await holding;
        await using var again = await opening;

        Assert.DoesNotContain(await AppendAsync(again, 1), before);
    }

    [Fact]
    public async Task A_feed_that_nobody_opens_disappears_with_its_last_entry_and_comes_back_as_another()
    {
        await using var host = await StartAsync(_time);
        var kept = await OpenAsync(host, new RecordingTail(), Plenty, "kept");
        await AppendAsync(kept, 1);
        await kept.DisposeAsync();
        var before = new List<FeedPosition>();
        for (var key = 0; key < 600; key++)
        {
            var log = await OpenAsync(host, new RecordingTail(), Plenty with { Age = TimeSpan.FromMinutes(1) }, $"users/{key}");
            before.AddRange(await AppendManyAsync(log, 3));
            await log.DisposeAsync();
        }

        await FeedsAreRemovedAsync(_time, allBut: 1);
        Assert.Equal(1L, Query("SELECT count(*) FROM entries"));
        await using var again = await OpenAsync(host, new RecordingTail(), Plenty, "users/5");
        Assert.DoesNotContain((await AppendAsync(again, 1)).Epoch, before.Select(position => position.Epoch));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Entries_that_the_clock_dated_ahead_are_removed_in_their_time(bool isOpen)
    {
        var retention = Plenty with { Age = TimeSpan.FromMinutes(1) };
        var ahead = new ManualTime();
        ahead.Advance(TimeSpan.FromDays(100));
        await using (var host = await StartAsync(ahead))
        {
            await using var log = await OpenAsync(host, new RecordingTail(), retention, "rooms/1");
            await AppendManyAsync(log, 3);
        }
        await using var restarted = await StartAsync(_time);
        var again = await OpenAsync(restarted, new RecordingTail(), retention, "rooms/1");
        if (!isOpen)
        {
            await again.DisposeAsync();
        }
        _time.Advance(TimeSpan.FromSeconds(5)); // a sweep
        await Eventually.HoldsAsync(
            () => (long)Query("SELECT max(at_ms) FROM entries")! <= _time.GetUtcNow().ToUnixTimeMilliseconds(),
            "the entries are dated to now at the latest");
        Assert.Equal(3L, Query("SELECT count(*) FROM entries"));

        _time.Advance(TimeSpan.FromSeconds(70));

        await Eventually.HoldsAsync(() => Query("SELECT count(*) FROM entries") is 0L, "the entries are removed");
        await again.DisposeAsync();
    }

    [Fact]
    public async Task A_lower_retention_takes_effect_when_the_feed_is_opened()
    {
        await using (var host = await StartAsync(_time))
        {
            await using var log = await OpenAsync(host, new RecordingTail());
            await AppendManyAsync(log, 10_000);
        }
        await using var restarted = await StartAsync(_time);

        await using var again = await OpenAsync(restarted, new RecordingTail(), Plenty with { Entries = 10 });

        await HoldsAsync(again, [.. Enumerable.Range(9_990, 10)]);
        Assert.Equal(10_001, (await AppendAsync(again, 10_000)).Offset);
    }

    [Fact]
    public async Task The_tail_of_a_feed_holds_no_more_than_its_newest_part()
    {
        const int Messages = 10_000;
        await using var host = await StartAsync(_time);
        var feed = host.Feed("feed", new FeedOptions { Retain = 1_000_000 });
        await Parallel.ForEachAsync(
            Payloads.Numbers(0, Messages),
            new ParallelOptions { MaxDegreeOfParallelism = 64 },
            async (text, cancellation) => await feed.PublishAsync(text, cancellation));
        var core = feed.Handle.Acquire();

        Assert.Equal(8192, core.Tail.State.Next - core.Tail.State.First);
        Assert.Equal((long)Messages, Query("SELECT count(*) FROM entries"));
        core.Release();
    }

    [Fact]
    public async Task A_completion_takes_the_place_of_no_message()
    {
        await using var host = await StartAsync(_time);
        await using var log = await OpenAsync(host, new RecordingTail(), Plenty with { Entries = 2 });
        await AppendManyAsync(log, 3);

        var end = await log.AppendAsync(default, CancellationToken.None);

        Assert.Equal([2L, 3L, end.Offset], (await log.ReadAsync(0, 10, CancellationToken.None)).Entries.Select(entry => entry.Offset));
        Assert.Equal(end, await log.AppendAsync(default, CancellationToken.None)); // a second adds nothing
        await Assert.ThrowsAsync<FeedCompletedException>(() => AppendAsync(log, 3));
        Assert.Equal(3L, Query("SELECT count(*) FROM entries"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_completed_feed_goes_on_when_its_completion_is_too_old(bool isOpen)
    {
        await using var host = await StartAsync(_time);
        var retention = Plenty with { Age = TimeSpan.FromMinutes(1) };
        var log = await OpenAsync(host, new RecordingTail(), retention);
        await AppendAsync(log, 0);
        var end = await log.AppendAsync(default, CancellationToken.None);
        if (!isOpen)
        {
            await log.DisposeAsync();
        }

        _time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(2L, Query("SELECT count(*) FROM entries"));
        _time.Advance(TimeSpan.FromSeconds(20));
        await Eventually.HoldsAsync(() => Query("SELECT count(*) FROM entries") is 0L, "the entries are removed");

        var tail = new RecordingTail();
        await using var again = isOpen ? log : await OpenAsync(host, tail, retention);
        Assert.Equal(end with { Offset = end.Offset + 1 }, await AppendAsync(again, 1));
        Assert.Equal([1], await ReadAllAsync(again));
        Assert.All(tail.Entries, entry => Assert.False(entry.IsCompletion));
    }

    [Fact]
    public async Task A_log_exists_as_long_as_it_has_entries_and_asking_writes_nothing()
    {
        await using var host = await StartAsync(_time);
        var (name, retention) = (new FeedName("rooms", "1"), Plenty with { Age = TimeSpan.FromMinutes(1) });
        Assert.False(await ExistsAsync());
        Assert.Equal(0L, Query("SELECT count(*) FROM feeds"));
        await using var log = await OpenAsync(host, new RecordingTail(), retention, name.ToString());
        await AppendAsync(log, 1);
        Assert.True(await ExistsAsync());

        _time.Advance(TimeSpan.FromSeconds(61));

        Assert.False(await ExistsAsync());

        Task<bool> ExistsAsync() => host.Store.ExistsAsync(name, retention, CancellationToken.None).AsTask().WithPatience();
    }

    private static Task HoldsAsync(IFeedLog log, long[] expected) =>
        Eventually.HoldsAsync(
            async () => (await ReadAllAsync(log)).SequenceEqual(expected),
            $"the feed holds [{string.Join(", ", expected)}]");
}
