using Comet.TestUtilities.Conformance;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>Anybody may ask for the newest messages, or for those since a time: it costs the same however long the log is.</summary>
public sealed class SqliteSearchTests : SqliteFileTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_search_reads_a_few_entries_of_a_long_log()
    {
        const int Messages = 20_000;
        const int MaxSteps = 2_000; // of SQLite's machine, which takes several for every entry that it reads
        await using var host = await StartAsync(_time);
        await using var log = await OpenAsync(host, new RecordingTail());
        for (var second = 0; second < 20; second++)
        {
            await AppendManyAsync(log, Messages / 20);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        var feed = (long)Query("SELECT id FROM feeds")!;
        var steps = 0;
        var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var reader = new SqliteReader(connection);
        raw.sqlite3_progress_handler(connection.Handle, 1, _ => { steps++; return 0; }, null);

        foreach (var count in (int[])[0, 1, 10, 9_999, Messages - 1, Messages, int.MaxValue])
        {
            Check(Math.Max(0, Messages - count), $"last {count}", () => reader.FindNewest(feed, count));
        }
        foreach (var seconds in (int[])[-1, 0, 1, 10, 19, 20, 1000])
        {
            var time = _time.GetUtcNow().AddSeconds(seconds - 20);
            Check(Math.Clamp(seconds, 0, 20) * (Messages / 20), $"since second {seconds}", () => reader.FindSince(feed, time));
        }

        void Check(long expected, string what, Func<FeedPosition?> find)
        {
            steps = 0;
            Assert.Equal(expected, find()!.Value.Offset);
            TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {steps} steps");
            Assert.True(steps < MaxSteps, $"{what}: {steps} steps");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3600)]
    public async Task A_time_is_found_although_the_clock_was_set_back(int seconds)
    {
        await using var host = await StartAsync(_time);
        await using var log = await OpenAsync(host, new RecordingTail());
        await AppendManyAsync(log, 2);
        _time.Advance(TimeSpan.FromSeconds(seconds));
        await AppendManyAsync(log, 2);
        _time.Advance(-TimeSpan.FromSeconds(seconds / 2.0));
        var times = new List<DateTimeOffset>();
        for (var number = 0; number < 4; number++)
        {
            times.Add(_time.GetUtcNow());
            await AppendAsync(log, number);
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(2, await FindSinceAsync(times[0])); // with those that are dated to now, as their time has not come
        Assert.Equal(5, await FindSinceAsync(times[1]));
        Assert.Equal(7, await FindSinceAsync(times[3]));
        Assert.Equal(8, await FindSinceAsync(times[3].AddTicks(1)));
        var dates = (await log.ReadAsync(0, 10, long.MaxValue, CancellationToken.None)).Entries.Select(entry => entry.At);
        Assert.Equal(dates.Order(), dates);

        async Task<long> FindSinceAsync(DateTimeOffset time) => (await log.FindSinceAsync(time, CancellationToken.None)).Offset;
    }
}
