namespace Comet.AspNetCore;

/// <summary>
/// What happens to a client whose position is no longer in the part of the log that is in memory, or that had to wait for its own
/// connection. Set by <see cref="FeedOptions.WhenSlow"/>.
/// </summary>
public enum SlowClientPolicy
{
    /// <summary>Its stream ends with the reason <c>too-slow</c>; it comes back and resumes, or learns that it cannot.</summary>
    End,

    /// <summary>
    /// After every wait it goes on with the newest message only, and is told how many it skipped: for a clock, a price. On Linux, over
    /// HTTP/1, a stream waits as soon as 4 KB are unsent, so that little that is old precedes the newest.
    /// </summary>
    Latest,

    /// <summary>It goes on with the oldest message in memory, and is told how many it skipped.</summary>
    Skip,
}
