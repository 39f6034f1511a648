namespace Comet.AspNetCore.Stores;

/// <summary>One entry of a log: a message, or the log's completion.</summary>
/// <param name="Offset">Higher than that of the entry before; from 1 upwards, so that 0 is before the first.</param>
/// <param name="Payload">One JSON value in UTF-8 on one line; empty: the feed is completed, and this is its last entry.</param>
/// <param name="At">When it was published.</param>
public readonly record struct FeedEntry(long Offset, ReadOnlyMemory<byte> Payload, DateTimeOffset At)
{
    /// <summary>Whether it completes the feed: its payload is empty, which no JSON value is. The first completion is final.</summary>
    public bool IsCompletion => Payload.IsEmpty;
}
