using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

/// <summary>The feeds that are open. Only the writer's thread uses them.</summary>
internal sealed class SqliteFeeds(ILogger logger)
{
    private readonly Dictionary<string, SqliteFeed> _feeds = [];
    private readonly HashSet<SqliteFeed> _unsettled = []; // opened or closed since ForgetClosed
    private readonly HashSet<SqliteFeed> _stale = [];
    private readonly SqliteSweeper _sweeper = new();

    /// <summary>Feeds that have to be loaded again, as a failure made it uncertain what the file holds of them.</summary>
    internal IReadOnlyCollection<SqliteFeed> Stale => _stale;

    /// <summary>Loads the feed of this name. It is forgotten after this batch if it has no tail by then.</summary>
    internal SqliteFeed Open(string name, FeedRetention retention, SqliteDatabase database)
    {
        if (_feeds.TryGetValue(name, out var feed))
        {
            feed.Retention = retention;
        }
        else
        {
            _feeds.Add(name, feed = new SqliteFeed(name, logger) { Retention = retention });
        }
        feed.Load(database);
        _unsettled.Add(feed);
        return feed;
    }

    /// <summary>Removes a tail. The feed is forgotten after this batch if it has no other.</summary>
    internal void RemoveTail(SqliteFeed feed, IFeedTail tail)
    {
        feed.RemoveTail(tail);
        _unsettled.Add(feed);
    }

    /// <summary>Forgets the feeds that have no tail any more.</summary>
    internal void ForgetClosed()
    {
        foreach (var feed in _unsettled.Where(feed => !feed.IsOpen))
        {
            _feeds.Remove(feed.Name);
            _stale.Remove(feed);
        }
        _unsettled.Clear();
    }

    internal void MarkStale(IEnumerable<SqliteFeed> feeds) => _stale.UnionWith(feeds);

    internal void MarkAllStale() => _stale.UnionWith(_feeds.Values);

    /// <summary>The stale feeds were loaded, and that was committed.</summary>
    internal void ClearStale() => _stale.Clear();

    /// <summary>The feeds that have entries which retention no longer covers.</summary>
    internal IEnumerable<SqliteFeed> Due(DateTimeOffset now) => _feeds.Values.Where(feed => feed.IsDue(now));

    /// <summary>Removes old entries of feeds that are not open.</summary>
    /// <returns>False: the budget is used up, and there may be more to remove.</returns>
    internal bool SweepOthers(SqliteDatabase database, DateTimeOffset now, ref int budget) =>
        _sweeper.Sweep(database, now, _feeds.ContainsKey, ref budget);
}
