namespace Comet.AspNetCore.Feeds;

/// <summary>A place in a tail: the index of the next entry to take.</summary>
internal readonly record struct TailCursor(int Generation, long Index)
{
    /// <summary>A cursor of no generation: its reader has missed something.</summary>
    internal static readonly TailCursor Lost = new(-1, 0);
}
