using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>A connection that reads pages of logs while the writer writes.</summary>
internal sealed class SqliteReader : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _end;
    private readonly SqliteStatement _feed;
    private readonly SqliteStatement _oldest;
    private readonly SqliteStatement _entries;
    private readonly SqliteStatement _newest;
    private readonly SqliteStatement _next;
    private readonly SqliteStatement _newestOf;

    /// <summary>Opens the connection, and closes it in the end.</summary>
    internal SqliteReader(SqliteConnection connection)
    {
        _connection = connection;
        try
        {
            _connection.Open();
            _begin = new(_connection, "BEGIN");
            _end = new(_connection, "ROLLBACK");
            _feed = new(_connection, "SELECT epoch, trimmed FROM feeds WHERE id = $1");
            _oldest = new(_connection, $"SELECT min(offset) FROM entries WHERE feed = $1 AND {SqliteSchema.IsOffset}");
            _entries = new(
                _connection,
                "SELECT offset, payload, at_ms FROM entries "
                + $"WHERE feed = $1 AND offset > $2 AND {SqliteSchema.IsOffset} ORDER BY offset LIMIT $3");
            _newest = new(
                _connection,
                $"SELECT offset, payload IS NULL FROM entries WHERE feed = $1 AND {SqliteSchema.IsOffset} ORDER BY offset DESC LIMIT 1");
            _next = new(_connection, "SELECT at_ms FROM entries WHERE feed = $1 AND offset >= $2 ORDER BY offset LIMIT 1");
            _newestOf = new(
                _connection,
                "SELECT at_ms FROM entries WHERE feed = (SELECT id FROM feeds WHERE name = $1) "
                + $"AND {SqliteSchema.IsOffset} ORDER BY offset DESC LIMIT 1");
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    /// <summary>Reads a page; null: the file has no such feed.</summary>
    internal FeedLogPage? Read(long feed, long after, int maxEntries, long maxBytes)
    {
        using var transaction = Begin(feed, out var epoch, out var trimmed);
        if (epoch is null)
        {
            return null;
        }
        var entries = new List<FeedEntry>();
        var bytes = 0L;
        using var rows = _entries.Query(feed, after, maxEntries);
        while (bytes < maxBytes && rows.Read())
        {
            var payload = SqliteStatement.Payload(rows, 1);
            bytes += payload.Length;
            entries.Add(new FeedEntry(rows.GetInt64(0), payload, SqliteStatement.Time(rows.GetInt64(2))));
        }
        return new FeedLogPage(epoch, trimmed, entries);
    }

    /// <inheritdoc cref="IFeedLog.FindNewestAsync"/>
    /// <remarks>Offsets have no holes: entries leave from the oldest on.</remarks>
    /// <returns>Null: the file has no such feed.</returns>
    internal FeedPosition? FindNewest(long feed, int count)
    {
        using var transaction = Begin(feed, out var epoch, out var trimmed);
        return epoch is null ? null : new FeedPosition(epoch, Math.Max(trimmed, NewestMessage(feed, trimmed) - count));
    }

    /// <inheritdoc cref="IFeedLog.FindSinceAsync"/>
    /// <remarks>The dates of a feed do not fall (<see cref="SqliteFeed"/> sees to it), so that halving finds the place.</remarks>
    /// <returns>Null: the file has no such feed.</returns>
    internal FeedPosition? FindSince(long feed, DateTimeOffset time)
    {
        using var transaction = Begin(feed, out var epoch, out var trimmed);
        if (epoch is null)
        {
            return null;
        }
        var milliseconds = time.ToUnixTimeMilliseconds();
        var atLeast = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) < time ? milliseconds + 1 : milliseconds;
        var (before, last) = (trimmed, NewestMessage(feed, trimmed)); // the place is between the two
        while (before < last)
        {
            var middle = before + ((last - before) / 2) + 1;
            if (_next.Value<object>(feed, middle) is long at && at < atLeast)
            {
                before = middle;
            }
            else
            {
                last = middle - 1;
            }
        }
        return new FeedPosition(epoch, before);
    }

    /// <summary>When the newest entry of the feed of this name was published; null: there is none.</summary>
    internal DateTimeOffset? Newest(string name) => _newestOf.Value<object>(name) is long at ? SqliteStatement.Time(at) : null;

    public void Dispose()
    {
        foreach (var statement in (SqliteStatement[])[_begin, _end, _feed, _oldest, _entries, _newest, _next, _newestOf])
        {
            statement.Dispose();
        }
        _connection.Dispose();
    }

    // The offset of the newest message, which a completion follows at most; without one, that of what was removed.
    private long NewestMessage(long feed, long trimmed)
    {
        using var row = _newest.Query(feed);
        return !row.Read() ? trimmed : row.GetInt64(1) == 1 ? row.GetInt64(0) - 1 : row.GetInt64(0);
    }

    // One transaction, so that all queries see the same state. The epoch is null: the file has no such feed.
    private Transaction Begin(long feed, out string? epoch, out long trimmed)
    {
        _begin.Execute();
        var transaction = new Transaction(_end);
        try
        {
            using var row = _feed.Query(feed);
            (epoch, trimmed) = row.Read() ? (row.GetString(0), row.GetInt64(1)) : (null, 0);
            trimmed = _oldest.Value<object>(feed) is long oldest ? oldest - 1 : trimmed;
            return transaction;
        }
        catch
        {
            transaction.Dispose();
            throw;
        }
    }

    private readonly struct Transaction(SqliteStatement end) : IDisposable
    {
        public void Dispose() => end.Execute();
    }
}
