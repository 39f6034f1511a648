using System.Globalization;
using System.Text;
using Comet.AspNetCore;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;

namespace Comet.TestUtilities.Conformance;

/// <summary>What a store does in addition if its logs outlive the process.</summary>
public abstract class DurableStoreTests : FeedStoreTests
{
    [Fact]
    public async Task A_log_goes_on_after_a_restart_in_its_epoch_with_higher_offsets()
    {
        var feed = NewName();
        var (before, after) = (new RecordingTail(), new RecordingTail());
        FeedPosition last;
        await using (var host = await StartAsync())
        {
            await using var log = await OpenAsync(host, feed, before);
            await AppendAsync(log, "1");
            last = await AppendAsync(log, "2");
        }

        await using var restarted = await StartAsync();
        await using var reopened = await OpenAsync(restarted, feed, after);

        Assert.Equal(last, new FeedPosition(after.Epoch, after.Start));
        Assert.Empty(after.Entries);
        var next = await AppendAsync(reopened, "3");
        Assert.Equal(last.Epoch, next.Epoch);
        Assert.True(next.Offset > last.Offset);
        Assert.Equal(next.Offset, (await after.ReceiveAsync(1))[0].Offset);
        Assert.Equal(["1", "2", "3"], Texts(await ReadAllAsync(reopened, pageSize: 10)));
    }

    [Fact]
    public async Task A_log_that_was_closed_goes_on_when_it_is_opened_again()
    {
        await using var host = await StartAsync();
        var feed = NewName();
        var (first, second) = (new RecordingTail(), new RecordingTail());
        var log = await OpenAsync(host, feed, first);
        var position = await AppendAsync(log, "1");
        await log.DisposeAsync();

        await using var again = await OpenAsync(host, feed, second);

        Assert.Equal(position, new FeedPosition(second.Epoch, second.Start));
    }

    [Fact]
    public async Task Two_tails_of_one_feed_get_every_entry()
    {
        await using var host = await StartAsync();
        var feed = NewName();
        var (first, second) = (new RecordingTail(), new RecordingTail());
        await using var one = await OpenAsync(host, feed, first);
        var other = await OpenAsync(host, feed, second);

        await AppendAsync(one, "1");
        await AppendAsync(other, "2");
        await second.ReceiveAsync(2);
        await other.DisposeAsync();
        await AppendAsync(one, "3");

        await first.ReceiveAsync(3);
        Assert.Equal(["1", "2", "3"], first.Texts);
        Assert.Equal(["1", "2"], second.Texts);
    }

    [Fact]
    public async Task A_log_is_read_page_by_page_from_anywhere()
    {
        const int Messages = 300;
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);
        var positions = await Task.WhenAll(Payloads.Numbers(0, Messages).Select(text => AppendAsync(log, text)));

        foreach (var pageSize in (int[])[1, 7, 100, 299, 300, 1000])
        {
            Assert.Equal(Payloads.Numbers(0, Messages), Texts(await ReadAllAsync(log, pageSize)));
        }
        foreach (var index in (int[])[0, 1, 150, 298])
        {
            var page = await ReadAsync(log, positions[index].Offset, 5);
            Assert.Equal(tail.Epoch, page.Epoch);
            Assert.Equal(0, page.TrimmedThrough);
            Assert.Equal(Payloads.Numbers(index + 1, Math.Min(5, Messages - 1 - index)), Texts(page.Entries));
        }
        Assert.Empty((await ReadAsync(log, positions[^1].Offset, 5)).Entries);
        Assert.Empty((await ReadAsync(log, positions[^1].Offset + 1000, 5)).Entries);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(100, 1)]
    [InlineData(101, 2)]
    [InlineData(1000, 10)]
    [InlineData(1_000_000, 30)]
    public async Task A_page_ends_with_the_entry_that_brings_it_to_its_bytes(long maxBytes, int expected)
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, NewName(), new RecordingTail());
        for (var number = 0; number < 30; number++)
        {
            await AppendAsync(log, $"{number}".PadRight(100));
        }

        var page = await log.ReadAsync(0, 1000, maxBytes, TestContext.Current.CancellationToken).AsTask().WithPatience();

        Assert.Equal(Payloads.Numbers(0, expected), Texts(page.Entries).Select(text => text.TrimEnd()));
        Assert.Equal(0, page.TrimmedThrough);
    }

    [Fact]
    public async Task Entries_are_read_back_as_the_tail_got_them()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);
        foreach (var json in Payloads.Odd)
        {
            await AppendAsync(log, json);
        }
        var entries = await tail.ReceiveAsync(Payloads.Odd.Length);

        var read = await ReadAllAsync(log, pageSize: 3);

        Assert.Equal(Payloads.Odd, Texts(read));
        Assert.Equal(entries.Select(entry => (entry.Offset, entry.At)), read.Select(entry => (entry.Offset, entry.At)));
    }

    [Fact]
    public async Task Reading_tells_exactly_what_is_missing()
    {
        const int Retain = 20;
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        var retention = Plenty with { Entries = Retain };
        await using var log = await host.Store.OpenAsync(FeedName.Parse(NewName()), retention, tail, TestContext.Current.CancellationToken);
        var positions = new List<FeedPosition>();
        for (var number = 0; number < 10 * Retain; number++)
        {
            positions.Add(await AppendAsync(log, number.ToString(CultureInfo.InvariantCulture)));

            var page = await ReadAsync(log, 0, 100 * Retain);
            Assert.Equal(
                positions.Select(position => position.Offset).Where(offset => offset > page.TrimmedThrough),
                page.Entries.Select(entry => entry.Offset).Where(offset => offset > page.TrimmedThrough));
            Assert.True(
                page.Entries.Count >= Math.Min(Retain, positions.Count),
                $"{page.Entries.Count} of {positions.Count} entries are there.");
        }
    }

    [Fact]
    public async Task Reading_while_appending_finds_no_gap()
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, NewName(), new RecordingTail());
        var appending = Task.Run(async () =>
        {
            foreach (var batch in Payloads.Numbers(0, 2000).Chunk(20))
            {
                await Task.WhenAll(batch.Select(text => AppendAsync(log, text)));
            }
        });

        do
        {
            var texts = Texts(await ReadAllAsync(log, pageSize: 100));
            Assert.Equal(Payloads.Numbers(0, texts.Count), texts);
        }
        while (!appending.IsCompleted);

        await appending;
        Assert.Equal(2000, (await ReadAllAsync(log, pageSize: 100)).Count);
    }

    [Fact]
    public async Task Clients_resume_after_a_restart_as_if_nothing_had_happened()
    {
        var name = NewName();
        var texts = Payloads.Numbers(0, 1000);
        var positions = new List<FeedPosition>();
        await using (var host = await StartAsync())
        {
            var feed = host.Feed(name, new FeedOptions());
            foreach (var text in texts[..600])
            {
                positions.Add(await feed.PublishAsync(text));
            }
        }

        await using var restarted = await StartAsync();
        var again = restarted.Feed(name, new FeedOptions());
        var readers = ((int[])[0, 300, 598, 599]).ToDictionary(index => index, index => ReadAsync(again, positions[index], 999 - index));
        var earliest = ReadAsync(again, FeedPosition.Earliest, 1000);
        foreach (var text in texts[600..])
        {
            await again.PublishAsync(text);
        }

        Assert.Equal(texts, await earliest);
        foreach (var (index, reader) in readers)
        {
            Assert.Equal(texts[(index + 1)..], await reader);
        }
    }

    [Fact]
    public async Task A_reader_that_the_tail_has_left_behind_goes_on_from_the_store()
    {
        var messages = FeedTail.NewestOf(Plenty).Entries + 1000; // a few pages more than a tail holds
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = 2 * messages });
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        await feed.PublishAsync("-1");
        await using var reader = feed.ReadAsync(FeedPosition.Earliest, deadline.Token).GetAsyncEnumerator(deadline.Token);
        Assert.True(await reader.MoveNextAsync());

        await Parallel.ForEachAsync(
            Payloads.Numbers(0, messages),
            new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = deadline.Token },
            async (text, cancellation) => await feed.PublishAsync(text, cancellation));

        var (seen, last) = (new HashSet<string>(), 0L);
        while (seen.Count < messages && await reader.MoveNextAsync())
        {
            Assert.True(seen.Add(reader.Current.Value), $"{reader.Current.Value} came twice.");
            Assert.True(reader.Current.Position.Offset > last);
            last = reader.Current.Position.Offset;
        }
        Assert.Equal(messages, seen.Count);
    }

    [Fact]
    public async Task A_completion_is_stored_and_read_back_like_any_entry()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);
        await AppendAsync(log, "1");

        var position = await AppendAsync(log, "");

        var entries = await tail.ReceiveAsync(2);
        Assert.Equal((position.Offset, true), (entries[1].Offset, entries[1].IsCompletion));
        var read = await ReadAllAsync(log, pageSize: 1);
        Assert.Equal(["1", ""], Texts(read));
        Assert.Equal(entries.Select(entry => (entry.Offset, entry.At)), read.Select(entry => (entry.Offset, entry.At)));
    }

    [Fact]
    public async Task A_tail_of_a_completed_log_gets_the_completion()
    {
        var name = NewName();
        FeedPosition position;
        await using (var host = await StartAsync())
        {
            await using var log = await OpenAsync(host, name, new RecordingTail());
            await AppendAsync(log, "1");
            position = await AppendAsync(log, "");
            await AssertCompletedAsync(host);
        }

        await using var restarted = await StartAsync();
        await AssertCompletedAsync(restarted);

        async Task AssertCompletedAsync(StoreHost host)
        {
            var tail = new RecordingTail();
            await using var log = await OpenAsync(host, name, tail);
            var entry = Assert.Single(tail.Entries);
            Assert.True(entry.IsCompletion);
            Assert.Equal(position, new FeedPosition(tail.Epoch, entry.Offset));
        }
    }

    [Fact]
    public async Task A_feed_is_completed_after_a_restart_too()
    {
        var name = NewName();
        FeedPosition first;
        await using (var host = await StartAsync())
        {
            var feed = host.Feed(name, new FeedOptions());
            first = await feed.PublishAsync("1");
            await feed.PublishAsync("2");
            await feed.CompleteAsync();
        }

        await using var restarted = await StartAsync();
        var again = restarted.Feed(name, new FeedOptions());

        Assert.Empty(await ReadToEndAsync(again, after: null));
        Assert.Equal(["2"], await ReadToEndAsync(again, first));
        Assert.Equal(["1", "2"], await ReadToEndAsync(again, FeedPosition.Earliest));
        await again.CompleteAsync();
        await Assert.ThrowsAsync<FeedCompletedException>(() => again.PublishAsync("3").AsTask().WithPatience());
        Assert.Equal(["1", "2"], await ReadToEndAsync(again, FeedPosition.Earliest));
    }

    [Fact]
    public async Task What_is_appended_behind_a_completion_reaches_no_reader()
    {
        var name = NewName();
        await using var host = await StartAsync();
        var feed = host.Feed(name, new FeedOptions());
        await feed.PublishAsync("1");
        await using var log = await OpenAsync(host, name, new RecordingTail());
        await feed.CompleteAsync();

        // As another server may, before it has read the completion. A store that knows it refuses.
        var exception = await Record.ExceptionAsync(() => AppendAsync(log, "\"2\""));

        Assert.True(exception is null or FeedCompletedException, $"{exception}");
        Assert.Equal(["1"], await ReadToEndAsync(feed, FeedPosition.Earliest));
        Assert.Empty(await ReadToEndAsync(feed, after: null));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_newest_messages_are_found_in_the_store(bool isCompleted)
    {
        const int Messages = 600; // more than two pages
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, NewName(), new RecordingTail());
        Assert.Equal(0, (await FindNewestAsync(log, 5)).Offset);
        var positions = await Task.WhenAll(Payloads.Numbers(0, Messages).Select(text => AppendAsync(log, text)));
        if (isCompleted)
        {
            await AppendAsync(log, "");
        }

        foreach (var count in (int[])[0, 1, 255, 256, 257, Messages - 1])
        {
            Assert.Equal(positions[Messages - count - 1], await FindNewestAsync(log, count));
        }
        foreach (var count in (int[])[Messages, Messages + 1, int.MaxValue])
        {
            Assert.Equal(positions[0] with { Offset = 0 }, await FindNewestAsync(log, count));
        }
    }

    [Fact]
    public async Task The_newest_messages_are_given_after_a_restart_too()
    {
        var name = NewName();
        FeedPosition last = default;
        await using (var host = await StartAsync())
        {
            var feed = host.Feed(name, new FeedOptions());
            foreach (var text in Payloads.Numbers(0, 300))
            {
                last = await feed.PublishAsync(text);
            }
        }

        await using var restarted = await StartAsync();
        var again = restarted.Feed(name, new FeedOptions());
        foreach (var count in (int[])[0, 1, 280, 300, 301])
        {
            var newest = await again.GetNewestAsync(count).AsTask().WithPatience();
            Assert.Equal(
                Payloads.Numbers(Math.Max(0, 300 - count), Math.Min(300, count)),
                newest.Messages.Select(message => message.Value));
            Assert.Equal((last.Epoch, true), (newest.Head.Epoch, newest.Head.Offset >= last.Offset));
        }
        await again.PublishAsync("300");
        var mixed = await again.GetNewestAsync(2).AsTask().WithPatience(); // one is in the tail, one in the store
        Assert.Equal(["299", "300"], mixed.Messages.Select(message => message.Value));
    }

    [Fact]
    public async Task A_second_completion_has_the_position_of_the_first()
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, NewName(), new RecordingTail());
        await AppendAsync(log, "1");
        var first = await AppendAsync(log, "");

        Assert.Equal(first, await AppendAsync(log, ""));
    }

    [Fact]
    public async Task A_log_exists_while_it_has_entries_whether_it_is_open_or_not()
    {
        var (feed, other) = (new FeedName(NewName(), "key"), new FeedName(NewName()));
        await using (var host = await StartAsync())
        {
            Assert.False(await ExistsAsync(host, feed));
            await using (var log = await OpenAsync(host, feed.ToString(), new RecordingTail()))
            {
                Assert.False(await ExistsAsync(host, feed));
                await AppendAsync(log, "1");
                Assert.True(await ExistsAsync(host, feed));
            }
            Assert.True(await ExistsAsync(host, feed));
        }

        await using var restarted = await StartAsync();
        Assert.True(await ExistsAsync(restarted, feed));
        Assert.False(await ExistsAsync(restarted, new FeedName(feed.Family, "another")));
        Assert.False(await ExistsAsync(restarted, other));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_messages_since_a_time_are_found_in_the_store(bool isCompleted)
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);
        Assert.Equal(0, (await FindSinceAsync(log, DateTimeOffset.MinValue)).Offset);
        Assert.Equal(0, (await FindSinceAsync(log, DateTimeOffset.MaxValue)).Offset);
        for (var number = 0; number < 300; number++)
        {
            await AppendAsync(log, $"{number}");
        }
        var entries = await tail.ReceiveAsync(300);
        if (isCompleted)
        {
            await AppendAsync(log, "");
        }

        foreach (var index in (int[])[0, 1, 150, 255, 256, 299])
        {
            foreach (var time in (DateTimeOffset[])[entries[index].At, entries[index].At.AddTicks(-1), entries[index].At.AddTicks(1)])
            {
                var first = entries.FindIndex(entry => entry.At >= time);
                var before = first < 0 ? entries[^1].Offset : first == 0 ? 0 : entries[first - 1].Offset;
                Assert.Equal(new FeedPosition(tail.Epoch, before), await FindSinceAsync(log, time));
            }
        }
        Assert.Equal(0, (await FindSinceAsync(log, DateTimeOffset.MinValue)).Offset);
        Assert.Equal(entries[^1].Offset, (await FindSinceAsync(log, DateTimeOffset.MaxValue)).Offset);
    }

    [Fact]
    public async Task A_reader_may_start_in_the_past_after_a_restart_too()
    {
        var name = NewName();
        var times = new List<DateTimeOffset>();
        await using (var host = await StartAsync())
        {
            var feed = host.Feed(name, new FeedOptions());
            foreach (var text in Payloads.Numbers(0, 40))
            {
                await feed.PublishAsync(text);
            }
            var core = feed.Handle.Acquire();
            times.AddRange(core.Tail.Copy(core.Tail.State.Start, 100)!.Select(entry => entry.At));
        }

        await using var restarted = await StartAsync();
        var again = restarted.Feed(name, new FeedOptions());
        foreach (var count in (int[])[1, 39, 40, 41])
        {
            var start = await StartAsync(again, FeedStart.AtNewest(count));
            Assert.Equal(
                Payloads.Numbers(Math.Max(0, 40 - count), Math.Min(40, count)),
                await ReadAsync(again, start, Math.Min(40, count)));
        }
        foreach (var time in (DateTimeOffset[])[times[0], times[20], times[39]])
        {
            var first = times.FindIndex(at => at >= time);
            var start = await StartAsync(again, FeedStart.AtTime(time));
            Assert.Equal(Payloads.Numbers(first, 40 - first), await ReadAsync(again, start, 40 - first));
        }
    }

    protected static Task<FeedPosition> FindSinceAsync(IFeedLog log, DateTimeOffset time) =>
        log.FindSinceAsync(time, TestContext.Current.CancellationToken).AsTask().WithPatience();

    protected static Task<bool> ExistsAsync(StoreHost host, FeedName feed) =>
        host.Store.ExistsAsync(feed, Plenty, TestContext.Current.CancellationToken).AsTask().WithPatience();

    protected static Task<FeedPosition> FindNewestAsync(IFeedLog log, int count) =>
        log.FindNewestAsync(count, TestContext.Current.CancellationToken).AsTask().WithPatience();

    protected static List<string> Texts(IEnumerable<FeedEntry> entries) =>
        entries.Select(entry => Encoding.UTF8.GetString(entry.Payload.Span)).ToList();

    protected static Task<FeedLogPage> ReadAsync(IFeedLog log, long after, int maxEntries) =>
        log.ReadAsync(after, maxEntries, TestContext.Current.CancellationToken).AsTask().WithPatience();

    protected static async Task<List<FeedEntry>> ReadAllAsync(IFeedLog log, int pageSize)
    {
        var entries = new List<FeedEntry>();
        while (true)
        {
            var page = await ReadAsync(log, entries.Count == 0 ? 0 : entries[^1].Offset, pageSize);
            if (page.Entries.Count == 0)
            {
                return entries;
            }
            Assert.InRange(page.Entries.Count, 1, pageSize);
            entries.AddRange(page.Entries);
        }
    }
}
