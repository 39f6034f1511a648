using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>Faults of the file: the error says what to do, readiness fails, and the store works again when the cause is removed.</summary>
public sealed class SqliteFaultTests : SqliteFileTests
{
    [Theory]
    [InlineData("")]
    [InlineData("Data Source=")]
    [InlineData("Data Source=:memory:")]
    [InlineData("Data Source=file:comet.db?mode=ro")]
    [InlineData("Data Source=comet.db;Mode=ReadOnly")]
    [InlineData("Data Source=comet.db;Mode=Memory")]
    [InlineData("Server=localhost;User=sa")]
    [InlineData("comet.db")]
    public async Task A_connection_string_that_names_no_file_keeps_the_app_from_starting(string connectionString)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => StoreHost.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:Comet", connectionString)]);
            builder.Services.AddCometSqlite();
        }));

        Assert.Contains("ConnectionStrings:Comet must name a file", exception.Message);
        Assert.Contains("Data Source=comet.db", exception.Message);
    }

    [Theory]
    [InlineData("Default Timeout=0")]
    [InlineData("Command Timeout=0")]
    [InlineData("Default Timeout=-1")]
    public async Task An_endless_wait_for_a_locked_file_keeps_the_app_from_starting(string timeout)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => StoreHost.StartAsync(builder =>
        {
            builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:Comet", $"Data Source={File};{timeout}")]);
            builder.Services.AddCometSqlite();
        }));

        Assert.Contains("Default Timeout in ConnectionStrings:Comet must be 1 second or more", exception.Message);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_left_as_it_is_and_the_store_begins_when_it_is_moved_away()
    {
        await System.IO.File.WriteAllTextAsync(File, new string('x', 10_000));
        await using var host = await StartAsync();

        await FailsAsync(host, () => OpenAsync(host, new RecordingTail()), "is damaged, or no SQLite database. Move it away");
        Assert.Equal(new string('x', 10_000), await System.IO.File.ReadAllTextAsync(File));

        System.IO.File.Delete(File);
        await using var log = await RecoverAsync(() => OpenAsync(host, new RecordingTail()));
        await AppendAsync(log, 1);
        Assert.Null(await host.UnreadinessAsync());
    }

    [Fact]
    public async Task A_damaged_file_accepts_nothing_until_a_backup_is_in_its_place()
    {
        await using (var host = await StartAsync())
        {
            await using var log = await OpenAsync(host, new RecordingTail());
            await AppendManyAsync(log, 5000);
        }
        var backup = await System.IO.File.ReadAllBytesAsync(File);
        var damaged = (byte[])backup.Clone();
        new Random(1).NextBytes(damaged.AsSpan(damaged.Length / 4, damaged.Length / 2));
        await System.IO.File.WriteAllBytesAsync(File, damaged);

        await using (var host = await StartAsync())
        {
            var tail = new RecordingTail();
            await using var log = await OpenAsync(host, tail);
            await FailsAsync(host, () => ReadAllAsync(log), "is damaged");
            await FailsAsync(host, () => AppendAsync(log, 5000), "is damaged");

            await System.IO.File.WriteAllBytesAsync(File, backup);
            await RecoverAsync(() => AppendAsync(log, 5000));

            Assert.Equal(Enumerable.Range(0, 5001).Select(number => (long)number), await ReadAllAsync(log));
            Assert.Null(await host.UnreadinessAsync());
            Assert.Equal(1, tail.Resets);
        }
    }

    [Fact]
    public async Task A_directory_in_the_place_of_the_file_is_named_as_such()
    {
        Directory.CreateDirectory(File);
        await using var host = await StartAsync();

        await FailsAsync(host, () => OpenAsync(host, new RecordingTail()), "is a directory. Name a file in ConnectionStrings:Comet.");
    }

    [Fact]
    public async Task A_database_of_another_program_is_not_touched()
    {
        Query("CREATE TABLE orders (id INTEGER)");
        var before = await System.IO.File.ReadAllBytesAsync(File);
        await using var host = await StartAsync();

        const string Reason = "is the database of another program. Name another file in ConnectionStrings:Comet.";
        await FailsAsync(host, () => OpenAsync(host, new RecordingTail()), Reason);

        Assert.Equal(before, await System.IO.File.ReadAllBytesAsync(File));
    }

    [Fact]
    public async Task A_file_of_another_version_is_not_touched()
    {
        await using (var first = await StartAsync())
        {
            await using var log = await OpenAsync(first, new RecordingTail());
        }
        Query("PRAGMA user_version = 1; PRAGMA journal_mode = DELETE");
        var before = await System.IO.File.ReadAllBytesAsync(File);
        await using var host = await StartAsync();

        await FailsAsync(host, () => OpenAsync(host, new RecordingTail()), "was written by another version of this store");

        Assert.Equal(before, await System.IO.File.ReadAllBytesAsync(File));
    }

    [Fact]
    public async Task A_file_serves_one_process_and_the_next_when_that_has_ended()
    {
        var first = await StartAsync();
        var tail = new RecordingTail();
        var position = await AppendAsync(await OpenAsync(first, new RecordingTail()), 1);
        await using var second = await StartAsync();

        await FailsAsync(second, () => OpenAsync(second, tail), "is in use by another process. A file serves one process");
        Assert.Contains("has to end the other first", await second.UnreadinessAsync());
        Assert.Null(await first.UnreadinessAsync());
        await first.DisposeAsync();

        await using var log = await RecoverAsync(() => OpenAsync(second, tail));
        Assert.Equal(position, new FeedPosition(tail.Epoch, tail.Start));
        Assert.Null(await second.UnreadinessAsync());
    }

    [Fact]
    public async Task A_sweep_that_writes_nothing_does_not_mean_that_the_store_works_again()
    {
        var time = new ManualTime();
        using var messages = new RecordedLog();
        await using var host = await StartAsync(time, log: messages);
        await using var log = await OpenAsync(host, new RecordingTail());
        Query("CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END");

        for (var attempt = 0; attempt < 3; attempt++)
        {
            await Assert.ThrowsAsync<FeedUnavailableException>(() => AppendAsync(log, attempt));
            time.Advance(TimeSpan.FromSeconds(5));
            await using var after = await OpenAsync(host, new RecordingTail()); // after the sweep
        }
        Assert.Equal(["SqliteFailed"], StoreEvents(messages));

        Query("DROP TRIGGER broken");
        await AppendAsync(log, 3);
        Assert.Equal(["SqliteFailed", "SqliteRecovered"], StoreEvents(messages));
        Assert.Equal([3], await ReadAllAsync(log));
    }

    [Fact]
    public async Task A_second_completion_writes_nothing_and_does_not_mean_that_the_store_works_again()
    {
        var time = new ManualTime();
        using var messages = new RecordedLog();
        await using var host = await StartAsync(time, log: messages);
        await using var log = await OpenAsync(host, new RecordingTail());
        var first = await log.AppendAsync(default, CancellationToken.None);
        await using var other = await OpenAsync(host, new RecordingTail(), feed: "other");
        Query("CREATE TRIGGER broken BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'broken'); END");
        await Assert.ThrowsAsync<FeedUnavailableException>(() => AppendAsync(other, 1));
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(first, await log.AppendAsync(default, CancellationToken.None));

        Assert.Equal(["SqliteFailed"], StoreEvents(messages));
    }

    [Fact(SkipUnless = nameof(Tmpfs.CanMount), SkipType = typeof(Tmpfs), Skip = Tmpfs.NeedsRoot)]
    public async Task A_WAL_that_cannot_be_truncated_fails_no_append()
    {
        File = Path.Combine(Home, "disk", "comet.db");
        using var disk = new Tmpfs(Path.Combine(Home, "disk"), "64m");
        var time = new ManualTime();
        using var messages = new RecordedLog();
        await using var host = await StartAsync(time, log: messages);
        await using var log = await OpenAsync(host, new RecordingTail());
        using var holder = new HoldingTail();
        await using var other = await OpenAsync(host, holder, feed: "other");
        Task<FeedPosition> holding;
        using (Snapshot())
        {
            for (var number = 0; number < 24; number++)
            {
                await log.AppendAsync(Payloads.Of($"\"{new string('x', 1 << 20)}\""), CancellationToken.None);
            }
            holding = AppendAsync(other, 0);
            await holder.Held.WithPatience();
        }
        disk.Fill(except: 1 << 20);

        time.Advance(TimeSpan.FromSeconds(5));
        var appending = AppendAsync(log, 1); // behind the sweep
        holder.Release();

        await holding;
        Assert.Equal(25, (await appending).Offset);
        await Eventually.HoldsAsync(() => StoreEvents(messages).Length > 0, "the store logs what it could not do");
        Assert.Equal(["SqliteWalNotTruncated"], StoreEvents(messages));
    }

    [Fact]
    public async Task The_directory_of_the_file_is_created()
    {
        File = Path.Combine(Home, "data", "feeds", "comet.db");
        await using var host = await StartAsync();

        await using var log = await OpenAsync(host, new RecordingTail());

        Assert.True(System.IO.File.Exists(File));
    }

    [Fact(SkipUnless = nameof(Tmpfs.CanMount), SkipType = typeof(Tmpfs), Skip = Tmpfs.NeedsRoot)]
    public async Task A_file_system_that_cannot_be_written_is_reported_until_it_can()
    {
        File = Path.Combine(Home, "disk", "comet.db");
        using var disk = new Tmpfs(Path.Combine(Home, "disk"), "4m");
        await using (var first = await StartAsync())
        {
            await AppendAsync(await OpenAsync(first, new RecordingTail()), 0);
        }
        disk.Remount("ro");
        await using var host = await StartAsync();

        await FailsAsync(host, () => OpenAsync(host, new RecordingTail()), "cannot be written. Give the app's user the right to write");

        disk.Remount("rw");
        await using var log = await RecoverAsync(() => OpenAsync(host, new RecordingTail()));
        await AppendAsync(log, 1);
        Assert.Equal([0, 1], await ReadAllAsync(log));
        Assert.Null(await host.UnreadinessAsync());
    }

    [Fact(SkipUnless = nameof(Tmpfs.CanMount), SkipType = typeof(Tmpfs), Skip = Tmpfs.NeedsRoot)]
    public async Task A_full_disk_is_reported_and_loses_nothing_that_was_confirmed()
    {
        File = Path.Combine(Home, "disk", "comet.db");
        using var disk = new Tmpfs(Path.Combine(Home, "disk"), "4m");
        var ballast = Path.Combine(Home, "disk", "ballast");
        await System.IO.File.WriteAllBytesAsync(ballast, new byte[2 * 1024 * 1024]);
        var confirmed = new List<long>();
        var tail = new RecordingTail();
        await using (var host = await StartAsync())
        {
            await using var log = await OpenAsync(host, tail);
            var number = 0L;
            var fault = await Assert.ThrowsAsync<FeedUnavailableException>(async () =>
            {
                for (; number < 100_000; number++)
                {
                    await AppendAsync(log, number);
                    confirmed.Add(number);
                }
            });
            Assert.Contains($"There is no space left for {File}. Free some", fault.Message);
            await FailsAsync(host, () => AppendAsync(log, -1), "There is no space left");
            Assert.Equal(confirmed, (await ReadAllAsync(log)).Intersect(confirmed));

            System.IO.File.Delete(ballast);
            await RecoverAsync(() => AppendAsync(log, ++number));
            confirmed.Add(number);

            Assert.Null(await host.UnreadinessAsync());
            Assert.Equal(1, tail.Resets);
        }
        await using var restarted = await StartAsync();
        await using var reopened = await OpenAsync(restarted, new RecordingTail());
        var stored = await ReadAllAsync(reopened);
        Assert.Equal(confirmed, stored.Intersect(confirmed));
        Assert.Equal(stored.Count, stored.Distinct().Count());
        Assert.Equal(tail.Texts, stored.ConvertAll(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture)));
    }
}
