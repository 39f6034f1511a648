namespace Comet.AspNetCore.Stores;

/// <summary>Where feeds keep their logs. One per server, registered as a singleton; the default keeps them in memory.</summary>
public interface IFeedStore
{
    /// <summary>
    /// Whether <see cref="IFeedLog.ReadAsync"/> returns entries that have left the tail. Then the tail holds only the newest of the
    /// retained entries; otherwise it holds all of them.
    /// </summary>
    bool CanReadBack { get; }

    /// <summary>
    /// Opens a feed's log, or begins one. Before this returns, <paramref name="tail"/> is reset to the log's end; from then on the tail
    /// gets every entry of the log, whichever server appended it, in order and once. Where the log is completed, the tail is reset to
    /// before the completion, and gets it.
    /// </summary>
    /// <param name="feed">The feed's name. The epoch of a feed without a key outlives its entries.</param>
    /// <param name="retention">What to keep at most.</param>
    /// <param name="tail">Gets the entries.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="FeedUnavailableException">The store is unavailable; try again later.</exception>
    ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken);

    /// <summary>Whether a feed's log has entries that are retained. Creates nothing, in the store either.</summary>
    /// <param name="feed">The feed's name.</param>
    /// <param name="retention">What its log keeps at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False in a store whose logs are all in memory: one that is not open has nothing.</returns>
    /// <exception cref="FeedUnavailableException">The store is unavailable, so it is not known.</exception>
    ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken);
}
