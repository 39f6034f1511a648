namespace Comet.AspNetCore.Stores;

/// <summary>
/// The log of one feed. All members may be called at the same time. Disposing closes the log; its entries stay in the store.
/// </summary>
public interface IFeedLog : IAsyncDisposable
{
    /// <summary>
    /// Appends one entry. When this returns, the entry is as safe as the store can make it, and the tail has it or gets it soon; it has
    /// the entries before it already.
    /// </summary>
    /// <remarks>
    /// A completion is an entry like any other: it is stored, read back and retained, and as the newest it is the last to leave. It is no
    /// message, so it takes the place of none in <see cref="FeedRetention.Entries"/>. What is appended after it reaches no reader, as the
    /// tail drops it; a store that knows the log's newest entry refuses it, and gives a second completion the position of the first.
    /// </remarks>
    /// <param name="payload">
    /// One JSON value in UTF-8 on one line, or nothing: a completion. The caller does not change it afterwards.
    /// </param>
    /// <param name="cancellationToken">Stops waiting; the entry may have been appended all the same.</param>
    /// <exception cref="ArgumentException">The payload is longer than the store takes.</exception>
    /// <exception cref="FeedCompletedException">The log is completed. The entry was not stored.</exception>
    /// <exception cref="FeedUnavailableException">It is not certain that the entry was stored.</exception>
    /// <exception cref="ObjectDisposedException">The log is closed. The entry was not stored.</exception>
    ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>Reads retained entries that may have left the tail, oldest first.</summary>
    /// <remarks>
    /// Thousands of readings from different places may be asked for at once, after a restart. How many of them are under way at a time is
    /// the store's to limit, as it knows what one costs, and whom one that takes long must not hold up.
    /// </remarks>
    /// <param name="after">Entries with a higher offset than this; 0: from the oldest.</param>
    /// <param name="maxEntries">At most this many.</param>
    /// <param name="maxBytes">A page ends with the entry whose payload brings it to so many bytes or above: it is held in memory.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken);

    /// <summary>
    /// Finds where the newest retained messages begin that may have left the tail. A store that can find it without reading them all
    /// does so.
    /// </summary>
    /// <param name="count">How many are to follow; a completion is not counted.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The position that they follow; where there are fewer, that which everything follows that is retained.</returns>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    ValueTask<FeedPosition> FindNewestAsync(int count, CancellationToken cancellationToken) =>
        FeedLogSearch.FindNewestAsync(this, count, cancellationToken);

    /// <summary>
    /// Finds where the retained messages begin that were published at a time or later, and may have left the tail. A store that can find
    /// it without reading them all does so.
    /// </summary>
    /// <remarks>
    /// Messages are dated by the servers that publish them. Where their clocks differ, the first message in the log that is dated so late
    /// decides, and older ones may follow it.
    /// </remarks>
    /// <param name="time">The time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>
    /// The position that they follow. Where all are older, it is that of the newest message; where all are younger, that which everything
    /// follows that is retained.
    /// </returns>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    ValueTask<FeedPosition> FindSinceAsync(DateTimeOffset time, CancellationToken cancellationToken) =>
        FeedLogSearch.FindSinceAsync(this, time, cancellationToken);

    /// <summary>
    /// Waits until the tail has everything up to a position beyond its head that another server may have handed out. A store of one server
    /// knows no such position.
    /// </summary>
    /// <returns>False: the log has no such position.</returns>
    /// <exception cref="FeedUnavailableException">The store is unavailable, so it is not known.</exception>
    ValueTask<bool> ReachAsync(FeedPosition position, CancellationToken cancellationToken) => new(false);
}
