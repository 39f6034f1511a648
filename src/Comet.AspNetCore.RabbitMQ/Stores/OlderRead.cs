using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>What a reader gets of the entries that are no longer in memory.</summary>
/// <param name="TrimmedThrough">What is at or below this offset was removed; 0: nothing was.</param>
/// <param name="Through">There are no more of the feed's entries up to this offset.</param>
/// <param name="Entries">The entries, oldest first.</param>
internal sealed record OlderPage(long TrimmedThrough, long Through, List<FeedEntry> Entries);

/// <summary>A reader who waits for a feed's entries above an offset that are no longer in memory.</summary>
/// <param name="feed">The feed's name.</param>
/// <param name="epoch">The epoch of the offset.</param>
/// <param name="after">The offset.</param>
/// <param name="through">Up to where it needs the log.</param>
/// <param name="maxEntries">How many it takes at most.</param>
/// <param name="maxBytes">It takes no more once their payloads have this length.</param>
internal sealed class OlderRead(string feed, string epoch, long after, long through, int maxEntries, long maxBytes)
{
    private readonly TaskCompletionSource<OlderPage?> _page = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<FeedEntry> _entries = [];
    private long _bytes;
    private volatile bool _isAbandoned;

    internal string Feed { get; } = feed;

    internal string Epoch { get; } = epoch;

    /// <summary>It needs the log above this offset.</summary>
    internal long After { get; private set; } = after;

    /// <summary>It needs the log up to this offset.</summary>
    internal long Through { get; private set; } = through;

    /// <summary>Where its client's search has begun: there is no entry of the feed from there to <see cref="After"/>.</summary>
    internal long SearchedFrom { get; init; } = after;

    /// <summary>It never needs anything above this offset.</summary>
    internal long Until { get; init; } = long.MaxValue;

    /// <summary>Whether a scan was made for it. The next one begins with it, and no earlier for others.</summary>
    internal bool HadScan { get; set; }

    /// <summary>Completes with what was read; null: meanwhile memory may have the answer.</summary>
    internal Task<OlderPage?> Page => _page.Task;

    /// <summary>Whether it needs nothing any more.</summary>
    internal bool IsDone => _isAbandoned || IsAnswered;

    /// <summary>Whether it has got its page, or none.</summary>
    internal bool IsAnswered => _page.Task.IsCompleted;

    /// <summary>Whether entries were found for it.</summary>
    internal bool HasEntries => _entries.Count > 0;

    /// <summary>Whether it has as much as it takes.</summary>
    internal bool IsFull => _entries.Count == maxEntries || _bytes >= maxBytes;

    internal void Abandon() => _isAbandoned = true;

    /// <summary>It needs less by now.</summary>
    internal void Narrow(long after, long through) => (After, Through) = (after, through);

    /// <summary>Forgets its entries, as they are read again.</summary>
    internal void BeginAgain() => (_entries, _bytes) = ([], 0);

    internal void Add(FeedEntry entry)
    {
        _entries.Add(entry);
        _bytes += entry.Payload.Length;
    }

    internal void Complete(long trimmedThrough, long through) => _page.TrySetResult(new OlderPage(trimmedThrough, through, _entries));

    internal void Return() => _page.TrySetResult(null);

    internal void Fail(Exception exception) => _page.TrySetException(exception);
}
