using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Sqlite;

/// <summary>Work that shares one transaction.</summary>
internal sealed class SqliteBatch(SqliteFeeds feeds)
{
    // Limits of one transaction, so that no caller waits long for others.
    private const int MaxWork = 1024;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxRemoved = 1024;

    private readonly List<SqliteWork> _work = [];
    private readonly HashSet<SqliteFeed> _changed = [];
    private long _bytes;
    private int _removable;

    internal bool IsEmpty => _work.Count == 0;

    internal bool IsFull => _work.Count >= MaxWork || _bytes >= MaxBytes;

    /// <summary>Whether any of the work needs a transaction.</summary>
    internal bool NeedsFile => _work.Exists(work => work.NeedsFile);

    /// <summary>Whether it has written to the file, so that its commit proves that the file can be written.</summary>
    internal bool HasWritten => _work.Exists(work => work.HasWritten);

    /// <summary>The transaction's time.</summary>
    internal DateTimeOffset Now { get; private set; }

    /// <summary>Whether a sweep is among the work.</summary>
    internal bool IsSweep { get; private set; }

    /// <summary>Whether there are more old entries than one transaction removes.</summary>
    internal bool HasMoreToRemove { get; private set; }

    internal void Add(SqliteWork work)
    {
        _work.Add(work);
        _bytes += work.Bytes;
    }

    /// <summary>Does the work, inside the transaction.</summary>
    internal void Execute(SqliteDatabase database, DateTimeOffset now)
    {
        (Now, _removable) = (now, _work.Count + MaxRemoved);
        foreach (var feed in feeds.Stale)
        {
            feed.Load(database);
            _changed.Add(feed);
        }
        foreach (var work in _work)
        {
            work.Execute(this, database);
        }
        foreach (var feed in _changed)
        {
            HasMoreToRemove |= !feed.Trim(database, now, ref _removable);
        }
    }

    /// <summary>Hands the tails what was committed.</summary>
    internal void Deliver()
    {
        feeds.ClearStale();
        foreach (var feed in _changed)
        {
            feed.Deliver();
        }
    }

    /// <summary>Completes the callers' tasks, after the commit. A later failure does not fail them.</summary>
    internal void Complete()
    {
        foreach (var work in _work)
        {
            work.Complete(this);
        }
        _work.Clear();
        _changed.Clear();
    }

    /// <summary>Fails the callers' tasks: it is uncertain whether the work was done.</summary>
    internal void Fail(FeedUnavailableException fault)
    {
        feeds.MarkStale(_changed);
        foreach (var work in _work)
        {
            work.Fail(this, fault);
        }
    }

    internal (FeedPosition? Position, bool HasWritten) Append(SqliteFeed feed, ReadOnlyMemory<byte> payload, SqliteDatabase database)
    {
        _changed.Add(feed);
        return feed.Append(database, payload, Now);
    }

    internal SqliteFeed Open(string name, FeedRetention retention, SqliteDatabase database)
    {
        var feed = feeds.Open(name, retention, database);
        _changed.Add(feed);
        return feed;
    }

    internal void RemoveTail(SqliteFeed feed, IFeedTail tail) => feeds.RemoveTail(feed, tail);

    /// <summary>Removes old entries, of feeds that are open and of feeds that are not.</summary>
    internal void Sweep(SqliteDatabase database)
    {
        IsSweep = true;
        _changed.UnionWith(feeds.Due(Now));
        HasMoreToRemove |= !feeds.SweepOthers(database, Now, ref _removable);
    }
}
