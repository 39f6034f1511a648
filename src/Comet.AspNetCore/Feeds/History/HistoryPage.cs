using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>A page of a feed that was just read.</summary>
internal sealed class HistoryPage(FeedHistory history, FeedPosition after, FeedLogPage content)
{
    // Lists and objects of a page, and for each entry the object that has the payload.
    private const int PageOverhead = 512;
    private const int EntryOverhead = 64;

    internal FeedPosition After => after;

    internal FeedLogPage Content => content;

    /// <summary>How much memory it takes, about.</summary>
    internal long Bytes { get; } = PageOverhead + content.Entries.Sum(static entry => (long)entry.Payload.Length + EntryOverhead);

    /// <summary>Whether what follows a position begins in it.</summary>
    internal bool Has(FeedPosition position) =>
        position.Epoch == after.Epoch && position.Offset >= after.Offset && position.Offset < content.Entries[^1].Offset;

    /// <summary>It is kept no longer.</summary>
    internal void Drop() => history.Drop(this);
}
