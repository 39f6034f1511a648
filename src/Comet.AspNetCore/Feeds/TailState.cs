namespace Comet.AspNetCore.Feeds;

/// <summary>What a tail held at one moment.</summary>
/// <param name="Generation">Changes with every reset.</param>
/// <param name="First">The index of the oldest entry.</param>
/// <param name="Next">The index after the newest.</param>
/// <param name="Head">The position of the newest entry of the log, or a later one that has no entry.</param>
/// <param name="TrimmedThrough">Entries at or below this offset are not in the tail.</param>
/// <param name="IsHeadUntold">Whether the head is beyond the newest entry, so that no message has told it.</param>
internal readonly record struct TailState(
    int Generation, long First, long Next, FeedPosition Head, long TrimmedThrough, bool IsHeadUntold)
{
    internal TailCursor End => new(Generation, Next);

    /// <summary>Whether something is missing between a cursor and the tail's oldest entry.</summary>
    internal bool HasLost(TailCursor cursor) => cursor.Generation != Generation || cursor.Index < First;

    internal TailCursor Start => new(Generation, First);
}
