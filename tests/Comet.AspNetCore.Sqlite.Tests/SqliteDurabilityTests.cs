using Comet.AspNetCore.Sqlite;
using Comet.TestUtilities.Conformance;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>What is confirmed is on the disk, and concurrent publishers share commits.</summary>
public sealed class SqliteDurabilityTests : SqliteFileTests
{
    [Fact]
    public void A_commit_is_on_the_disk_when_it_returns()
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();

        SqliteSchema.Prepare(connection, File, verify: false);

        Assert.Equal("wal", Ask("PRAGMA journal_mode"));
        Assert.Equal(2L, Ask("PRAGMA synchronous")); // FULL: every commit syncs the WAL
        Assert.Equal(1L, Ask("PRAGMA fullfsync"));

        object? Ask(string sql)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            return command.ExecuteScalar();
        }
    }

    [Fact]
    public async Task What_a_crash_would_leave_holds_everything_that_was_confirmed()
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, new RecordingTail());
        var last = (await AppendManyAsync(log, 500))[^1];

        // The files are copied while the store is at work, so nothing was closed.
        var crashed = Path.Combine(Home, "crashed.db");
        foreach (var suffix in (string[])["", "-wal"])
        {
            System.IO.File.Copy(File + suffix, crashed + suffix);
        }
        File = crashed;

        await using var restarted = await StartAsync();
        var tail = new RecordingTail();
        await using var reopened = await OpenAsync(restarted, tail);
        Assert.Equal(last, new FeedPosition(tail.Epoch, tail.Start));
        Assert.Equal(Enumerable.Range(0, 500).Select(number => (long)number), await ReadAllAsync(reopened));
    }

    [Fact]
    public async Task Concurrent_publishers_share_commits()
    {
        const int Appends = 5000;
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, new RecordingTail());
        var writtenBefore = WrittenBytes();

        await AppendManyAsync(log, Appends);

        // If each had a commit of its own, each would write at least a page.
        Assert.InRange(WrittenBytes() - writtenBefore, 1, Appends * 4096 / 10);
    }

    [Fact]
    public async Task A_file_can_be_read_by_others_while_it_is_in_use()
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, new RecordingTail());

        await AppendManyAsync(log, 3);

        Assert.Equal("012", Query("SELECT group_concat(payload, '') FROM entries JOIN feeds ON id = feed WHERE name = 'feed'"));
    }

    [Fact]
    public async Task The_WAL_stays_small_although_somebody_always_reads()
    {
        var time = new ManualTime();
        await using var host = await StartAsync(time);
        await using var log = await OpenAsync(host, new RecordingTail());
        await AppendManyAsync(log, 1000);
        using var end = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(reader => Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                await log.ReadAsync(reader, 256, CancellationToken.None);
            }
        })).ToList();
        using (Snapshot())
        {
            for (var number = 0; number < 20; number++)
            {
                await log.AppendAsync(Payloads.Of($"\"{new string('x', 1 << 20)}\""), CancellationToken.None);
            }
        }
        Assert.InRange(new FileInfo($"{File}-wal").Length, 20 << 20, long.MaxValue);

        time.Advance(TimeSpan.FromSeconds(5));

        await Eventually.HoldsAsync(() => new FileInfo($"{File}-wal").Length < 1 << 20, "the WAL is short again");
        await end.CancelAsync();
        await Task.WhenAll(readers);
    }

    private long WrittenBytes() => new FileInfo(File).Length + new FileInfo($"{File}-wal").Length;
}
