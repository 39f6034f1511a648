using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>A file that another program has locked: one caller waits for it, and then all callers fail at once.</summary>
public sealed class SqliteLockedFileTests : SqliteFileTests
{
    [Fact]
    public async Task Publishing_waits_for_a_locked_file_and_then_fails()
    {
        await using var host = await StartAsync(timeoutSeconds: Brief);
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail);
        await AppendAsync(log, 0);
        using (LockFile())
        {
            await FailsAsync(host, () => AppendAsync(log, 1), "is locked by another program. End that program's transaction.");
            Assert.Equal([0], await ReadAllAsync(log).WithPatience());
        }

        await RecoverAsync(() => AppendAsync(log, 2));

        Assert.Equal([0, 2], await ReadAllAsync(log));
        Assert.Equal(["0", "2"], tail.Texts);
        Assert.Equal(1, tail.Resets);
        Assert.Null(await host.UnreadinessAsync());
    }

    [Fact]
    public async Task Whether_a_feed_is_there_is_read_and_waits_for_no_writer()
    {
        await using var host = await StartAsync(timeoutSeconds: 5 * Brief);
        await using var log = await OpenAsync(host, new RecordingTail(), feed: "rooms/1");
        await AppendAsync(log, 0);
        using (LockFile())
        {
            var appending = AppendAsync(log, 1);
            Assert.True(await ExistsAsync("rooms/1"));
            Assert.False(await ExistsAsync("rooms/2"));
            Assert.False(appending.IsCompleted);
            await Assert.ThrowsAsync<FeedUnavailableException>(() => appending);
            Assert.True(await ExistsAsync("rooms/1"));
        }

        Task<bool> ExistsAsync(string feed) =>
            host.Store.ExistsAsync(FeedName.Parse(feed), Plenty, CancellationToken.None).AsTask().WithPatience();
    }

    [Fact]
    public async Task After_a_failure_publishing_fails_at_once_until_it_is_time_to_try_again()
    {
        var time = new ManualTime();
        await using var host = await StartAsync(time, timeoutSeconds: Brief);
        await using var log = await OpenAsync(host, new RecordingTail());
        using (LockFile())
        {
            await FailsAsync(host, () => AppendAsync(log, 0), "is locked by another program");
        }

        await FailsAsync(host, () => AppendAsync(log, 1), "is locked by another program"); // the file is not tried

        time.Advance(TimeSpan.FromSeconds(1));
        await AppendAsync(log, 2);
        Assert.Equal([2], await ReadAllAsync(log));
        Assert.Null(await host.UnreadinessAsync());
    }

    [Fact]
    public async Task All_publishers_share_one_wait_for_a_locked_file()
    {
        const int Transactions = 15; // that would wait a second each
        var time = new ManualTime();
        await using var host = await StartAsync(time, timeoutSeconds: Brief);
        await using var log = await OpenAsync(host, new RecordingTail());
        var payload = Payloads.Of($"\"{new string('x', 4 << 20)}\""); // fills a transaction
        using (LockFile())
        {
            var appends = Enumerable.Range(0, Transactions).Select(_ => log.AppendAsync(payload, CancellationToken.None).AsTask()).ToList();
            var unreadiness = host.UnreadinessAsync();
            var closing = log.DisposeAsync().AsTask();

            await closing.WithPatience();
            Assert.Contains("is locked by another program", await unreadiness);
            foreach (var append in appends)
            {
                await Assert.ThrowsAsync<FeedUnavailableException>(() => append);
            }
        }
    }

    [Fact]
    public async Task A_log_is_closed_without_the_file()
    {
        await using var host = await StartAsync(new ManualTime(), timeoutSeconds: 3600);
        var log = await OpenAsync(host, new RecordingTail());
        using (LockFile())
        {
            await log.DisposeAsync().AsTask().WithPatience();
        }
    }
}
