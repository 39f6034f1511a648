namespace Comet.AspNetCore.Stores;

/// <summary>A part of a log, read from its store.</summary>
/// <param name="Epoch">The epoch of the log that was read.</param>
/// <param name="TrimmedThrough">
/// The store no longer holds everything at or below this offset; 0: nothing was ever removed. A reader that asked for entries after a
/// lower offset has missed some.
/// </param>
/// <param name="Entries">The entries, with rising offsets.</param>
public sealed record FeedLogPage(string Epoch, long TrimmedThrough, IReadOnlyList<FeedEntry> Entries)
{
    /// <summary>The page without the completion, and without what somebody who did not know of it has appended after it.</summary>
    internal FeedLogPage UpToCompletion(out FeedEntry? completion)
    {
        for (var index = 0; index < Entries.Count; index++)
        {
            if (Entries[index].IsCompletion)
            {
                completion = Entries[index];
                return this with { Entries = [.. Entries.Take(index)] };
            }
        }
        completion = null;
        return this;
    }
}
