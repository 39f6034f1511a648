namespace Comet.AspNetCore.Stores;

/// <summary>One entry of a log.</summary>
/// <param name="Offset">Higher than that of the entry before; from 1 upwards, so that 0 is before the first.</param>
/// <param name="Payload">One JSON value in UTF-8 on one line.</param>
/// <param name="At">When it was published.</param>
public readonly record struct FeedEntry(long Offset, ReadOnlyMemory<byte> Payload, DateTimeOffset At);
