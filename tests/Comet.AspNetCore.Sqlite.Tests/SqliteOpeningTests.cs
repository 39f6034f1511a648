using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>Feeds that are opened, closed and abandoned at the same moment.</summary>
public sealed class SqliteOpeningTests : SqliteFileTests
{
    private readonly ManualTime _time = new();

    private static FeedRetention Short { get; } = Plenty with { Age = TimeSpan.FromSeconds(4) };

    [Fact]
    public async Task A_feed_that_is_closed_and_opened_in_one_transaction_keeps_what_it_confirms()
    {
        FeedPosition confirmed;
        await using (var host = await StartAsync(_time))
        {
            using var holder = new HoldingTail();
            await using var other = await OpenAsync(host, holder, feed: "other");
            var first = await OpenAsync(host, new RecordingTail(), feed: "users/1");
            var holding = AppendAsync(other, 0);
            await holder.Held.WithPatience();

            var closing = first.DisposeAsync();
            var opening = OpenAsync(host, new RecordingTail(), feed: "users/1");
            holder.Release();
            await closing;
            await using var second = await opening;
            await holding;
            _time.Advance(TimeSpan.FromSeconds(5)); // a sweep removes feeds that are empty and not open
            confirmed = await AppendAsync(second, 1);

            Assert.Equal([1], await ReadAllAsync(second));
        }

        await using var restarted = await StartAsync(_time);
        var tail = new RecordingTail();
        await using var again = await OpenAsync(restarted, tail, feed: "users/1");
        Assert.Equal(confirmed, new FeedPosition(tail.Epoch, tail.Start));
        Assert.Equal([1], await ReadAllAsync(again));
    }

    [Fact]
    public async Task A_feed_whose_opener_gave_up_is_closed_again()
    {
        await using var host = await StartAsync(_time);
        using var holder = new HoldingTail();
        await using var other = await OpenAsync(host, holder, feed: "other");
        await using (var user = await OpenAsync(host, new RecordingTail(), Short, "users/1"))
        {
            await AppendAsync(user, 0);
        }
        var holding = AppendAsync(other, 0);
        await holder.Held.WithPatience();
        using var end = new CancellationTokenSource();

        var opening = host.Store.OpenAsync(new FeedName("users", "1"), Short, new RecordingTail(), end.Token).AsTask();
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        holder.Release();
        await holding;
        await AppendAsync(other, 1); // in the transaction after the opening that nobody waits for

        Assert.Equal(2L, Query("SELECT count(*) FROM feeds"));
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(5));
                return Query("SELECT group_concat(name) FROM feeds") is "other";
            },
            "the feed that nobody opened is removed");
    }

    [Fact]
    public async Task A_feed_never_gets_the_id_of_one_that_was_removed()
    {
        await using var host = await StartAsync(_time);
        await using var other = await OpenAsync(host, new RecordingTail(), feed: "other");
        await using (var user = await OpenAsync(host, new RecordingTail(), Short, "users/1"))
        {
            await AppendAsync(user, 0);
        }
        var removed = (long)Query("SELECT max(id) FROM feeds")!;
        _time.Advance(TimeSpan.FromSeconds(5));
        await AppendAsync(other, 0); // after the sweep
        Assert.Equal(1L, Query("SELECT count(*) FROM feeds"));

        await using var next = await OpenAsync(host, new RecordingTail(), feed: "users/2");
        await AppendAsync(next, 0);

        Assert.NotEqual(removed, Query("SELECT max(id) FROM feeds"));
    }
}
