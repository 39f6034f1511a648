using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Removes old entries of feeds that are not open: of up to 1,024 feeds at a time, as there may be very many.</summary>
internal sealed class SqliteSweeper
{
    private const int MaxFeeds = 1024;

    private long _sweptThrough;

    /// <summary>Continues where the last sweep ended.</summary>
    /// <param name="database">The file, in a transaction.</param>
    /// <param name="now">The transaction's time.</param>
    /// <param name="isOpen">Whether the feed of this name is open.</param>
    /// <param name="budget">How many entries may still be removed.</param>
    /// <returns>False: the budget is used up, and there may be more to remove.</returns>
    internal bool Sweep(SqliteDatabase database, DateTimeOffset now, Func<string, bool> isOpen, ref int budget)
    {
        var feeds = database.NextFeeds(_sweptThrough, MaxFeeds);
        foreach (var (feed, name, keep) in feeds)
        {
            if (!isOpen(name) && !Sweep(database, feed, name, now, keep, ref budget))
            {
                return false;
            }
            _sweptThrough = feed;
        }
        _sweptThrough = feeds.Count < MaxFeeds ? 0 : _sweptThrough;
        return true;
    }

    private static bool Sweep(
        SqliteDatabase database, long feed, string name, DateTimeOffset now, TimeSpan keep, ref int budget)
    {
        if (database.Newest(feed) is { } newest)
        {
            if (newest.At > now)
            {
                database.Redate(feed, now);
            }
            if (newest.At >= now - keep)
            {
                return true;
            }
            budget -= database.RemoveAll(feed, newest.Offset, budget);
            if (budget == 0)
            {
                return false;
            }
        }
        // There may be a feed for every user there ever was; the others are as many as the app names, and their epochs are for good.
        if (FeedName.IsOfFamily(name))
        {
            database.RemoveFeed(feed, name);
        }
        return true;
    }
}
