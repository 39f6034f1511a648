using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>The WAL stays short; when another program holds it up, operators are told once, and nobody waits.</summary>
public sealed class SqliteWalTests : SqliteFileTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_long_reader_is_told_to_operators_once_until_it_has_ended()
    {
        using var messages = new RecordedLog();
        await using var host = await StartAsync(_time, timeoutSeconds: 3600, log: messages);
        await using var log = await OpenAsync(host, new RecordingTail());
        await AppendLongAsync(log, 1);
        using (Snapshot())
        {
            await AppendLongAsync(log, 20);
            await SweepAsync(log);
            await SweepAsync(log);

            var message = Assert.Single(messages.Entries, entry => entry.EventId.Name is "SqliteWalNotTruncated");
            Assert.Equal(LogLevel.Warning, message.Level);
            Assert.Contains($"The WAL of {File} has ", message.Message);
            Assert.Contains("another program has a transaction open that needs it. End that transaction.", message.Message);
            Assert.InRange(new FileInfo($"{File}-wal").Length, 20 << 20, long.MaxValue);
            Assert.Null(await host.UnreadinessAsync());
        }

        await SweepAsync(log);

        Assert.Equal(["SqliteWalNotTruncated", "SqliteWalTruncated"], StoreEvents(messages));
        Assert.InRange(new FileInfo($"{File}-wal").Length, 0, 1 << 20);
    }

    [Fact]
    public async Task The_next_long_reader_is_told_again()
    {
        using var messages = new RecordedLog();
        await using var host = await StartAsync(_time, log: messages);
        await using var log = await OpenAsync(host, new RecordingTail());

        for (var round = 1; round <= 2; round++)
        {
            using (Snapshot())
            {
                await AppendLongAsync(log, 20);
                await SweepAsync(log);
            }
            await SweepAsync(log);
            Assert.Equal(2 * round, StoreEvents(messages).Length);
        }
    }

    private static async Task AppendLongAsync(IFeedLog log, int count)
    {
        for (var number = 0; number < count; number++)
        {
            await log.AppendAsync(Payloads.Of($"\"{new string('x', 1 << 20)}\""), CancellationToken.None);
        }
    }

    // Each append is a transaction of its own, so that the sweep is over when the second has returned.
    private async Task SweepAsync(IFeedLog log)
    {
        _time.Advance(TimeSpan.FromSeconds(5));
        await AppendAsync(log, 0);
        await AppendAsync(log, 0);
    }
}
