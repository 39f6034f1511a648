using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>Reads entries from the broker that this server no longer has in memory.</summary>
/// <param name="read">Reads the messages from one offset to another (not included).</param>
/// <param name="findOldest">Reads the offset of the oldest message that the RabbitMQ stream keeps.</param>
internal sealed class RabbitMQLogReader(
    Func<long, long, CancellationToken, IAsyncEnumerable<RabbitMQMessage>> read,
    Func<CancellationToken, Task<long>> findOldest)
{
    // What decides on a message usually lies close before it. If it does not, the reading begins earlier.
    private const long Margin = 256;

    // Every so many messages it is checked whether a reader still waits.
    private const int CheckPeriod = 32;

    /// <summary>Reads what a scan needs, as positions count offsets.</summary>
    /// <returns>Whether everything was read; false: nobody needs it any more.</returns>
    internal async Task<bool> ReadAsync(LogScan scan, CancellationToken cancellationToken)
    {
        var margin = Margin;
        while (true)
        {
            if (await TryReadAsync(Math.Max(0, scan.After - margin), scan, cancellationToken) is { } isAll)
            {
                return isAll;
            }
            margin *= 3;
        }
    }

    // Returns null when the reading has to begin earlier.
    private async Task<bool?> TryReadAsync(long from, LogScan scan, CancellationToken cancellationToken)
    {
        LogRules? rules = null;
        var (isAll, count) = (false, 0);
        await foreach (var message in read(from, scan.Through, cancellationToken))
        {
            if (rules is null)
            {
                // Asked after the reading has begun, as RabbitMQ skips without notice what retention removes before that.
                var oldest = await findOldest(cancellationToken);
                isAll = oldest >= from;
                scan.Begin(trimmedThrough: Math.Min(oldest, message.Offset));
                rules = new LogRules(isAll ? message.Offset : from, scan.Epoch);
            }
            var canJudge = rules.CanJudge(message);
            var verdict = rules.Judge(message);
            if (message.Begins && verdict != Verdict.Duplicate && message.Id.ToEpoch() == scan.Epoch)
            {
                scan.BeginEpoch(message.Offset);
            }
            if (message.Offset < scan.After)
            {
                continue;
            }
            if (!canJudge && !isAll)
            {
                return scan.IsNeeded ? null : false;
            }
            if (verdict == Verdict.Accepted && message.Feed is { } feed && rules.Epoch == scan.Epoch)
            {
                scan.Add(feed, new FeedEntry(message.Offset + 1, message.Payload, message.At));
            }
            if (++count % CheckPeriod == 0 && !scan.IsNeeded)
            {
                return false;
            }
        }
        if (rules is null)
        {
            scan.Begin(trimmedThrough: await findOldest(cancellationToken));
        }
        return true;
    }
}
