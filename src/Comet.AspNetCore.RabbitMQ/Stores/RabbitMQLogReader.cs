using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>Reads entries of a feed from the broker that this server no longer has in memory.</summary>
/// <param name="read">Reads the messages from one offset to another (not included).</param>
/// <param name="findOldest">Reads the offset of the oldest message that the RabbitMQ stream keeps.</param>
internal sealed class RabbitMQLogReader(
    Func<long, long, CancellationToken, IAsyncEnumerable<RabbitMQMessage>> read,
    Func<CancellationToken, Task<long>> findOldest)
{
    // What decides on a message usually lies close before it. If it does not, the reading begins earlier.
    private const long Margin = 256;

    /// <summary>
    /// Reads entries of one epoch above the offset <paramref name="after"/> and up to <paramref name="through"/>, as positions count them.
    /// </summary>
    internal async Task<FeedLogPage> ReadAsync(
        string feed,
        string epoch,
        long after,
        long through,
        int maxEntries,
        long maxBytes,
        CancellationToken cancellationToken)
    {
        var margin = Margin;
        while (true)
        {
            if (await TryReadAsync(Math.Max(0, after - margin), feed, epoch, after, through, maxEntries, maxBytes, cancellationToken) is { } page)
            {
                return page;
            }
            margin *= 3;
        }
    }

    // Returns null when the reading has to begin earlier.
    private async Task<FeedLogPage?> TryReadAsync(
        long from,
        string feed,
        string epoch,
        long after,
        long through,
        int maxEntries,
        long maxBytes,
        CancellationToken cancellationToken)
    {
        LogRules? rules = null;
        var (isAll, trimmedThrough) = (false, 0L);
        var entries = new List<FeedEntry>();
        await foreach (var message in read(from, through, cancellationToken))
        {
            if (rules is null)
            {
                // Asked after the reading has begun, as RabbitMQ skips without notice what retention removes before that.
                var oldest = await findOldest(cancellationToken);
                (isAll, trimmedThrough) = (oldest >= from, Math.Min(oldest, message.Offset));
                rules = new LogRules(isAll ? message.Offset : from, epoch);
            }
            var canJudge = rules.CanJudge(message);
            var verdict = rules.Judge(message);
            if (message.Begins && verdict != Verdict.Duplicate && message.Id.ToEpoch() == epoch)
            {
                trimmedThrough = 0; // earlier messages belong to another epoch, so nothing of this one is missing
            }
            if (message.Offset < after)
            {
                continue;
            }
            if (!canJudge && !isAll)
            {
                return null;
            }
            if (verdict == Verdict.Accepted && message.Feed == feed && rules.Epoch == epoch)
            {
                entries.Add(new FeedEntry(message.Offset + 1, message.Payload, message.At));
                maxBytes -= message.Payload.Length;
                if (entries.Count == maxEntries || maxBytes <= 0)
                {
                    break;
                }
            }
        }
        return new FeedLogPage(epoch, rules is null ? await findOldest(cancellationToken) : trimmedThrough, entries);
    }
}
