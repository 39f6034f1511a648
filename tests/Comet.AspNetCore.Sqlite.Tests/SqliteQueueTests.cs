using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>What waits to be stored is bounded: publishers that are faster than the disk are told so, and cost no more memory.</summary>
public sealed class SqliteQueueTests : SqliteFileTests
{
    [Theory]
    [InlineData(1 << 20, 64)]
    [InlineData(1, 64 << 11)] // as much memory as the large ones: a task that waits takes half a KiB
    public async Task Publishers_are_turned_away_while_too_much_waits(int bytes, int fits)
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, new RecordingTail());
        using var holder = new HoldingTail();
        await using var other = await OpenAsync(host, holder, feed: "other");
        var holding = AppendAsync(other, 0);
        await holder.Held.WithPatience();
        var payload = new byte[bytes];
        payload.AsSpan().Fill((byte)'1');

        var waiting = new List<Task<FeedPosition>>();
        FeedUnavailableException? rejection = null;
        while (rejection is null && waiting.Count <= fits)
        {
            var append = log.AppendAsync(payload, CancellationToken.None);
            if (append.IsFaulted)
            {
                rejection = await Assert.ThrowsAsync<FeedUnavailableException>(async () => await append);
            }
            else
            {
                waiting.Add(append.AsTask());
            }
        }

        var probing = host.UnreadinessAsync();
        holder.Release();
        await holding;
        Assert.Null(await probing);
        Assert.NotNull(rejection);
        Assert.StartsWith($"64 MiB of messages wait to be stored in {File}.", rejection.Message);
        Assert.EndsWith("This message was not stored.", rejection.Message);
        Assert.InRange(waiting.Count, fits * 9 / 10, fits);
        await Task.WhenAll(waiting);
        Assert.Equal(waiting.Count + 1, (await AppendAsync(log, 2)).Offset);
    }

    [Fact]
    public async Task A_message_of_any_size_is_stored_when_nothing_waits()
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, new RecordingTail());
        var payload = new byte[(64 << 20) + 2];
        payload.AsSpan().Fill((byte)'1');

        Assert.Equal(1, (await log.AppendAsync(payload, CancellationToken.None)).Offset);
    }
}
