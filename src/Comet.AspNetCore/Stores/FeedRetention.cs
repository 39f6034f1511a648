namespace Comet.AspNetCore.Stores;

/// <summary>What a log keeps at most; the oldest entries leave first, and the newest stays until it is too old.</summary>
/// <param name="Entries">Number of messages.</param>
/// <param name="Bytes">Bytes of payload.</param>
/// <param name="Age">Time since publishing.</param>
public sealed record FeedRetention(int Entries, long Bytes, TimeSpan Age);
