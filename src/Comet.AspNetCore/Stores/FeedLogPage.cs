namespace Comet.AspNetCore.Stores;

/// <summary>A part of a log, read from its store.</summary>
/// <param name="Epoch">The epoch of the log that was read.</param>
/// <param name="TrimmedThrough">
/// The store no longer holds everything at or below this offset; 0: nothing was ever removed. A reader that asked for entries after a
/// lower offset has missed some.
/// </param>
/// <param name="Entries">The entries, with rising offsets.</param>
public sealed record FeedLogPage(string Epoch, long TrimmedThrough, IReadOnlyList<FeedEntry> Entries);
