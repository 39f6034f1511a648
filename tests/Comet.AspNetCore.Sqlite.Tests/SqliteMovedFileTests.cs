using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>A file that is removed, replaced or moved while it is in use: nothing is confirmed that only the old file has.</summary>
public sealed class SqliteMovedFileTests : SqliteFileTests
{
    [Fact]
    public async Task An_older_copy_in_the_place_of_the_file_is_another_epoch()
    {
        await using (var host = await StartAsync())
        {
            await using var log = await OpenAsync(host, new RecordingTail());
            await AppendManyAsync(log, 10);
        }
        var old = await System.IO.File.ReadAllBytesAsync(File);
        await using (var host = await StartAsync())
        {
            var tail = new RecordingTail();
            await using var log = await OpenAsync(host, tail);
            var lost = await AppendAsync(log, 10);
            System.IO.File.Delete(File);
            await FailsAsync(host, () => AppendAsync(log, 11), "was removed or replaced while it was in use");
            Assert.Equal(1, tail.Resets);

            System.IO.File.Delete($"{File}-wal");
            await System.IO.File.WriteAllBytesAsync(File, old);
            var next = await RecoverAsync(() => AppendAsync(log, 12));

            Assert.Equal(2, tail.Resets);
            Assert.Equal(10, tail.Start);
            Assert.NotEqual(lost.Epoch, next.Epoch);
            Assert.Equal(next.Epoch, tail.Epoch);
            Assert.Equal(["12"], tail.Texts);
        }
    }

    [Fact]
    public async Task A_file_that_is_removed_confirms_nothing_and_the_feeds_begin_anew()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail);
        var before = await AppendAsync(log, 1);

        foreach (var file in Directory.GetFiles(Home))
        {
            System.IO.File.Delete(file);
        }

        await FailsAsync(host, () => AppendAsync(log, 2), "was removed or replaced while it was in use", staysUnready: false);
        var after = await RecoverAsync(() => AppendAsync(log, 3));
        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.Equal((after.Epoch, 0), (tail.Epoch, tail.Start));
        Assert.Equal([3], await ReadAllAsync(log));
        Assert.Null(await host.UnreadinessAsync());
    }

    [Fact]
    public async Task An_entry_that_was_stored_although_publishing_failed_reaches_the_tail_once()
    {
        var time = new ManualTime();
        await using var host = await StartAsync(time);
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail);
        await AppendAsync(log, 0);
        System.IO.File.Move(File, $"{File}-away");
        await Assert.ThrowsAsync<FeedUnavailableException>(() => AppendAsync(log, 1)); // committed before it was noticed
        Assert.Equal(["0"], tail.Texts);

        System.IO.File.Move($"{File}-away", File);
        time.Advance(TimeSpan.FromSeconds(1));
        await AppendAsync(log, 2);

        Assert.Equal(["0", "1", "2"], tail.Texts);
        Assert.Equal(1, tail.Resets);
    }

    [Fact]
    public async Task A_file_that_is_replaced_confirms_nothing_and_is_used_when_the_old_WAL_is_moved_away()
    {
        var time = new ManualTime();
        await using (var first = await StartAsync(time))
        {
            await using var before = await OpenAsync(first, new RecordingTail());
            await AppendManyAsync(before, 10);
        }
        System.IO.File.Copy(File, $"{File}-copy");
        await using var host = await StartAsync(time);
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail);
        var lost = await AppendAsync(log, 10);

        System.IO.File.Move($"{File}-copy", File, overwrite: true);
        await FailsAsync(host, () => AppendAsync(log, 11), "was removed or replaced while it was in use");
        time.Advance(TimeSpan.FromSeconds(1));
        await FailsAsync(host, () => AppendAsync(log, 12), "move comet.db-wal away"); // SQLite would apply it to the new file

        System.IO.File.Delete($"{File}-wal");
        time.Advance(TimeSpan.FromSeconds(1));
        var next = await AppendAsync(log, 13);
        Assert.NotEqual(lost.Epoch, next.Epoch);
        Assert.Equal((next.Epoch, 10), (tail.Epoch, tail.Start));
        Assert.Equal(["13"], tail.Texts);
        Assert.Equal([.. Enumerable.Range(0, 10), 13], await ReadAllAsync(log));
        Assert.Null(await host.UnreadinessAsync());
    }

    [Fact]
    public async Task A_removed_WAL_is_noticed_and_loses_nothing()
    {
        var time = new ManualTime();
        await using var host = await StartAsync(time);
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail);
        await AppendAsync(log, 0);

        System.IO.File.Delete($"{File}-wal");
        await FailsAsync(host, () => AppendAsync(log, 1), "was removed or replaced while it was in use");

        time.Advance(TimeSpan.FromSeconds(1));
        await AppendAsync(log, 2);
        Assert.Equal([0, 1, 2], await ReadAllAsync(log));
        Assert.Equal(["0", "1", "2"], tail.Texts);
    }

    [Fact]
    public async Task Unconfirmed_entries_that_retention_has_removed_are_no_silent_gap()
    {
        var time = new ManualTime();
        await using var host = await StartAsync(time);
        var tail = new RecordingTail();
        var retention = Plenty with { Entries = 3 };
        await using var log = await OpenAsync(host, tail, retention);
        using var holder = new HoldingTail();
        await using var same = await OpenAsync(host, holder, retention);
        var holding = AppendAsync(same, 0);
        await holder.Held.WithPatience();
        var appends = Enumerable.Range(1, 10).Select(number => AppendAsync(log, number)).ToList();
        System.IO.File.Move(File, $"{File}-away");
        holder.Release();
        await holding;
        // Committed before the move was noticed.
        await Task.WhenAll(appends.Select(append => Assert.ThrowsAsync<FeedUnavailableException>(() => append)));

        System.IO.File.Move($"{File}-away", File);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(12, (await AppendAsync(log, 11)).Offset);

        Assert.Equal(2, tail.Resets);
        Assert.Equal(11, tail.Start);
        Assert.Equal(["11"], tail.Texts);
    }
}
