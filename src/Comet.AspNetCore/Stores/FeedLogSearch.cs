using System.Runtime.CompilerServices;

namespace Comet.AspNetCore.Stores;

/// <summary>Finds places in any log by reading it forward, page by page, of which it keeps one at a time.</summary>
internal static class FeedLogSearch
{
    // A page of a reading that nobody is sent.
    internal const int MaxEntries = 256;
    internal const int MaxPageBytes = 256 * 1024;

    /// <inheritdoc cref="IFeedLog.FindNewestAsync"/>
    internal static async ValueTask<FeedPosition> FindNewestAsync(IFeedLog log, int count, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await TryFindNewestAsync(log, count, cancellationToken) is { } found)
            {
                return found;
            }
        }
    }

    // Null: the log began anew after it was read to its end.
    private static async ValueTask<FeedPosition?> TryFindNewestAsync(IFeedLog log, int count, CancellationToken cancellationToken)
    {
        // The pages that have the newest messages as far as the log was read: where each begins, and how many it has.
        var pages = new Queue<(long After, int Messages)>();
        var (end, messages) = (default(FeedPosition), 0L);
        await foreach (var (after, entries) in ReadAsync(log, cancellationToken))
        {
            if (after.Epoch != end.Epoch)
            {
                pages.Clear();
                messages = 0;
            }
            pages.Enqueue((after.Offset, entries.Count));
            messages += entries.Count;
            while (pages.Count > 1 && messages - pages.Peek().Messages >= count)
            {
                messages -= pages.Dequeue().Messages;
            }
            end = after with { Offset = entries.Count == 0 ? after.Offset : entries[^1].Offset };
        }
        var first = pages.Dequeue();
        var wanted = count - (messages - first.Messages);
        if (wanted >= first.Messages)
        {
            return end with { Offset = first.After };
        }
        // It is read again and counted from its end, as its oldest entries may have been removed meanwhile.
        var to = pages.TryPeek(out var second) ? second.After : end.Offset;
        var page = await log.ReadAsync(first.After, MaxEntries, MaxPageBytes, cancellationToken);
        if (page.Epoch != end.Epoch)
        {
            return null;
        }
        var kept = page.Entries.Where(entry => entry.Offset <= to && !entry.IsCompletion).ToList();
        var before = kept.Count - (int)wanted - 1;
        return end with { Offset = before >= 0 ? kept[before].Offset : Math.Max(first.After, page.TrimmedThrough) };
    }

    /// <inheritdoc cref="IFeedLog.FindSinceAsync"/>
    internal static async ValueTask<FeedPosition> FindSinceAsync(IFeedLog log, DateTimeOffset time, CancellationToken cancellationToken)
    {
        var position = default(FeedPosition);
        await foreach (var (after, entries) in ReadAsync(log, cancellationToken))
        {
            position = after;
            foreach (var entry in entries)
            {
                if (entry.At >= time)
                {
                    return position;
                }
                position = position with { Offset = entry.Offset };
            }
        }
        return position;
    }

    // Each page with the position that it follows, without the completion and what somebody has appended after that. A log that begins
    // anew meanwhile is read from its beginning: the offsets so far are those of the other.
    private static async IAsyncEnumerable<(FeedPosition After, IReadOnlyList<FeedEntry> Messages)> ReadAsync(
        IFeedLog log, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (after, epoch) = (0L, default(string));
        while (true)
        {
            var page = (await log.ReadAsync(after, MaxEntries, MaxPageBytes, cancellationToken)).UpToCompletion(out var completion);
            var isAnother = epoch is not null && page.Epoch != epoch;
            epoch = page.Epoch;
            if (isAnother && after > 0)
            {
                after = 0;
                continue;
            }
            yield return (new FeedPosition(page.Epoch, Math.Max(after, page.TrimmedThrough)), page.Entries);
            if (page.Entries.Count == 0 || completion is not null)
            {
                yield break;
            }
            after = page.Entries[^1].Offset;
        }
    }
}
