namespace Comet.AspNetCore.Feeds;

/// <summary>What a tail held at one moment.</summary>
/// <param name="Generation">Changes with every reset.</param>
/// <param name="First">The index of the oldest entry.</param>
/// <param name="Next">The index after the newest.</param>
/// <param name="Head">The position of the newest entry of the log, or a later one that has no entry.</param>
/// <param name="TrimmedThrough">Entries at or below this offset are not in the tail.</param>
/// <param name="IsHeadUntold">Whether the head is beyond the newest entry, so that no message has told it.</param>
/// <param name="IsCompleted">Whether the newest entry is a completion.</param>
/// <param name="LiveHead">The head, or the position before the completion: where a reader is that has all but the end.</param>
internal readonly record struct TailState(
    int Generation,
    long First,
    long Next,
    FeedPosition Head,
    long TrimmedThrough,
    bool IsHeadUntold,
    bool IsCompleted,
    FeedPosition LiveHead)
{
    internal TailCursor End => new(Generation, Next);

    /// <summary>Where a reader begins that wants nothing older: at the end, or before the completion, which every reader gets.</summary>
    internal TailCursor Live => new(Generation, IsCompleted ? Next - 1 : Next);

    /// <summary>Whether something is missing between a cursor and the tail's oldest entry.</summary>
    internal bool HasLost(TailCursor cursor) => cursor.Generation != Generation || cursor.Index < First;

    /// <summary>The index of the newest message, before a completion.</summary>
    internal long Newest => Math.Max(First, Next - (IsCompleted ? 2 : 1));

    internal TailCursor Start => new(Generation, First);
}
