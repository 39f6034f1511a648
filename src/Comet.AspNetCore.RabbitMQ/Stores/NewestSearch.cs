using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// Finds where the newest messages of a feed begin: in memory, and from there backwards, a part at a time, past those that are known to
/// have none. What was read is remembered, for the same feed and for others.
/// </summary>
/// <param name="view">What is known.</param>
/// <param name="readOlder">Reads what is not, a part at a time.</param>
/// <param name="timeout">How long a search may take.</param>
/// <param name="time">Measures that.</param>
internal sealed class NewestSearch(RabbitMQStreamView view, ReadOlder readOlder, TimeSpan timeout, TimeProvider time)
{
    /// <summary>Who wants more of the newest messages gets most of a log, so that is read forward, and nothing is remembered.</summary>
    internal const int MaxCount = 1024;

    /// <inheritdoc cref="IFeedLog.FindNewestAsync"/>
    /// <exception cref="FeedUnavailableException">
    /// The broker is unavailable, or the search takes too long. Who comes again goes on where it has got to.
    /// </exception>
    internal async Task<FeedPosition> FindAsync(string feed, int count, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (view.FindNewest(feed, count, out var missing) is { } found)
            {
                return found;
            }
            var left = timeout - time.GetElapsedTime(begun);
            await ReadAsync(feed, missing!, left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken);
        }
    }

    private async Task ReadAsync(string feed, MemoryPage missing, TimeSpan left, CancellationToken cancellationToken)
    {
        var entries = new List<FeedEntry>();
        for (var after = missing.MissingAfter; after < missing.MissingThrough;)
        {
            var reader = new OlderRead(feed, missing.Epoch, after, missing.MissingThrough, int.MaxValue, long.MaxValue)
            {
                Until = missing.MissingThrough,
            };
            if (await readOlder(missing, reader, left, cancellationToken) is not { } older)
            {
                return; // meanwhile it is known that there is nothing, or another epoch has begun
            }
            entries.AddRange(older.Entries);
            after = older.Through;
        }
        view.AddFound(missing.Epoch, feed, missing.MissingAfter, missing.MissingThrough, entries);
    }
}
