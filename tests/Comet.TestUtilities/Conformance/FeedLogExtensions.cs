using Comet.AspNetCore.Stores;

namespace Comet.TestUtilities.Conformance;

public static class FeedLogExtensions
{
    /// <summary>Reads a page of any length in bytes.</summary>
    public static ValueTask<FeedLogPage> ReadAsync(this IFeedLog log, long after, int maxEntries, CancellationToken cancellationToken) =>
        log.ReadAsync(after, maxEntries, long.MaxValue, cancellationToken);
}
