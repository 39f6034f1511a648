using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>Reads a feed's older entries from the broker.</summary>
/// <param name="read">The messages from an offset up to another.</param>
/// <param name="findOldest">The offset of the oldest message that is kept.</param>
internal sealed class RabbitMQLogReader(
    Func<long, long, CancellationToken, IAsyncEnumerable<RabbitMQMessage>> read,
    Func<CancellationToken, Task<long>> findOldest)
{
    // What a message depends on is usually close to it; where it is not, the scan begins earlier.
    private const long Margin = 256;

    /// <summary>Entries of one epoch above <paramref name="after"/> and at or below <paramref name="through"/>, both as ids count.</summary>
    internal async Task<FeedLogPage> ReadAsync(
        string feed,
        string epoch,
        long after,
        long through,
        int maxEntries,
        CancellationToken cancellationToken)
    {
        var margin = Margin;
        while (true)
        {
            if (await TryReadAsync(Math.Max(0, after - margin), feed, epoch, after, through, maxEntries, cancellationToken) is { } page)
            {
                return page;
            }
            margin *= 3;
        }
    }

    // Null: it has to begin earlier.
    private async Task<FeedLogPage?> TryReadAsync(
        long from,
        string feed,
        string epoch,
        long after,
        long through,
        int maxEntries,
        CancellationToken cancellationToken)
    {
        LogRules? rules = null;
        var (isAll, trimmedThrough) = (false, 0L);
        var entries = new List<FeedEntry>();
        await foreach (var message in read(from, through, cancellationToken))
        {
            if (rules is null)
            {
                // Asked when the reading has begun, since what retention removes before that is passed over in silence.
                var oldest = await findOldest(cancellationToken);
                (isAll, trimmedThrough) = (oldest >= from, Math.Min(oldest, message.Offset));
                rules = new LogRules(isAll ? message.Offset : from, epoch);
            }
            var canJudge = rules.CanJudge(message);
            var verdict = rules.Judge(message);
            if (message.Begins && verdict != Verdict.Duplicate && message.Id.ToEpoch() == epoch)
            {
                trimmedThrough = 0; // what lies before belongs to another epoch, so nothing of this one is missing
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
                if (entries.Count == maxEntries)
                {
                    break;
                }
            }
        }
        return new FeedLogPage(epoch, rules is null ? await findOldest(cancellationToken) : trimmedThrough, entries);
    }
}
