namespace Comet.AspNetCore.Feeds;

/// <summary>A place in a tail: the index of the next entry to take.</summary>
internal readonly record struct TailCursor(int Generation, long Index);
