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

    internal SqliteReader(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        try
        {
            _connection.Open();
            _begin = new(_connection, "BEGIN");
            _end = new(_connection, "ROLLBACK");
            _feed = new(_connection, "SELECT epoch, trimmed FROM feeds WHERE id = $1");
            _oldest = new(_connection, "SELECT min(offset) FROM entries WHERE feed = $1 AND offset > 0");
            _entries = new(
                _connection, "SELECT offset, payload, at_ms FROM entries WHERE feed = $1 AND offset > $2 ORDER BY offset LIMIT $3");
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
        _begin.Execute(); // one transaction, so that all three queries see the same state
        try
        {
            string epoch;
            long trimmed;
            using (var row = _feed.Query(feed))
            {
                if (!row.Read())
                {
                    return null;
                }
                (epoch, trimmed) = (row.GetString(0), row.GetInt64(1));
            }
            trimmed = _oldest.Value<object>(feed) is long oldest ? oldest - 1 : trimmed;
            var entries = new List<FeedEntry>();
            var bytes = 0L;
            using var rows = _entries.Query(feed, after, maxEntries);
            while (bytes < maxBytes && rows.Read())
            {
                var payload = rows.GetFieldValue<byte[]>(1);
                bytes += payload.Length;
                entries.Add(new FeedEntry(rows.GetInt64(0), payload, SqliteStatement.Time(rows.GetInt64(2))));
            }
            return new FeedLogPage(epoch, trimmed, entries);
        }
        finally
        {
            _end.Execute();
        }
    }

    public void Dispose()
    {
        foreach (var statement in (SqliteStatement[])[_begin, _end, _feed, _oldest, _entries])
        {
            statement.Dispose();
        }
        _connection.Dispose();
    }
}
