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

    // As many clients can read by turns, each at a place of its own.
    private const int MaxLeft = 16;

    // Where the last scans ended, and what is known there: a scan that goes on from there does not look back again.
    private readonly List<(string Epoch, long Offset, LogRules Rules)> _left = [];

    /// <summary>Reads what a scan needs, as positions count offsets, until it is full or all was read. One caller at a time.</summary>
    internal async Task ReadAsync(LogScan scan, CancellationToken cancellationToken)
    {
        var rules = TakeLeft(scan);
        for (long? from = scan.After - (rules is null ? Margin : 0); from is { } begin; rules = null)
        {
            from = await TryReadAsync(Math.Max(0, begin), rules, scan, cancellationToken);
        }
    }

    // Returns where the reading has to begin instead; null: it is done.
    private async Task<long?> TryReadAsync(long from, LogRules? rules, LogScan scan, CancellationToken cancellationToken)
    {
        var (hasBegun, isAll) = (false, false);
        await foreach (var message in read(from, scan.Through, cancellationToken))
        {
            if (!hasBegun)
            {
                // Asked after the reading has begun, as RabbitMQ skips without notice what retention removes before that.
                var oldest = await findOldest(cancellationToken);
                (hasBegun, isAll) = (true, oldest >= from);
                scan.Begin(trimmedThrough: Math.Min(oldest, message.Offset));
                rules ??= new LogRules(isAll ? message.Offset : from, scan.Epoch);
            }
            var canJudge = rules!.CanJudge(message);
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
                return Math.Min(message.Floor + 1, scan.After - (3 * (scan.After - from)));
            }
            if (verdict == Verdict.Accepted && message.Feed is { } feed && rules.Epoch == scan.Epoch)
            {
                scan.Add(feed, new FeedEntry(message.Offset + 1, message.Payload, message.At));
            }
            scan.Advance(message.Offset + 1, message.Payload.Length);
            if (scan.IsFull)
            {
                Leave(scan, rules);
                return null;
            }
        }
        if (!hasBegun)
        {
            scan.Begin(trimmedThrough: await findOldest(cancellationToken));
        }
        scan.End();
        return null;
    }

    private LogRules? TakeLeft(LogScan scan)
    {
        var index = _left.FindIndex(left => left.Epoch == scan.Epoch && left.Offset == scan.After);
        if (index < 0)
        {
            return null;
        }
        var rules = _left[index].Rules;
        _left.RemoveAt(index);
        return rules;
    }

    private void Leave(LogScan scan, LogRules rules)
    {
        if (_left.Count == MaxLeft)
        {
            _left.RemoveAt(0);
        }
        _left.Add((scan.Epoch, scan.Reached, rules));
    }
}
