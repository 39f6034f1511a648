using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>Reads the newest messages of a feed together with its head.</summary>
internal static class SnapshotReader
{
    /// <summary>Takes them from the tail, or from the store where they have left it.</summary>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    internal static async ValueTask<(List<FeedEntry> Messages, FeedPosition Head)> ReadNewestAsync(
        FeedCore feed, int count, CancellationToken cancellationToken)
    {
        var log = await feed.OpenAsync(cancellationToken);
        for (var isAgain = false; ; isAgain = true)
        {
            if (feed.Tail.CopyNewest(count) is { } newest)
            {
                return newest;
            }
            var start = await log.FindNewestAsync(count, cancellationToken);
            var head = feed.Tail.State.LiveHead; // taken after the search, so that as many as are asked for lie before it
            var messages = await ReadAsync(log, start, head, count, cancellationToken);
            // Of a log that began anew meanwhile, the other is read. When that is gone too, nothing is retained.
            if (messages is not null || isAgain)
            {
                return (messages ?? [], head);
            }
        }
    }

    // Null: the log began anew.
    private static async ValueTask<List<FeedEntry>?> ReadAsync(
        IFeedLog log, FeedPosition start, FeedPosition head, int count, CancellationToken cancellationToken)
    {
        var messages = new List<FeedEntry>();
        var after = start.Offset;
        while (start.Epoch == head.Epoch && after < head.Offset)
        {
            var page = await log.ReadAsync(after, FeedLogSearch.MaxEntries, FeedLogSearch.MaxPageBytes, cancellationToken);
            page = page.UpToCompletion(out _);
            if (page.Epoch != head.Epoch)
            {
                return null;
            }
            if (page.TrimmedThrough > after)
            {
                messages.Clear(); // they were removed meanwhile, like those that followed
            }
            if (page.Entries.Count == 0)
            {
                break;
            }
            messages.AddRange(page.Entries.Where(entry => entry.Offset <= head.Offset));
            after = page.Entries[^1].Offset;
        }
        messages.RemoveRange(0, Math.Max(0, messages.Count - count));
        return start.Epoch == head.Epoch ? messages : null;
    }
}
