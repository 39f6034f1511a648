using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Comet.AspNetCore.Sqlite;

/// <summary>
/// The open file: its lock, the connection that writes, and the connections that read. All but the latter belong to the writer's thread.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    // A disk that has no room for this much is as good as full.
    private const int ProbeBytes = 16 * 1024;

    private const long MaxKeepMilliseconds = 3650L * 24 * 60 * 60 * 1000; // RetainFor's limit; others may write to the file

    private readonly string _path;
    private readonly FileStream _fileLock;
    private readonly SqliteConnection _connection;
    private readonly List<SqliteStatement> _statements = [];
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _rollback;
    private readonly SqliteStatement _truncateWal;
    private readonly SqliteStatement _seed;
    private readonly SqliteStatement _removals;
    private readonly SqliteStatement _countRemoval;
    private readonly SqliteStatement _findFeed;
    private readonly SqliteStatement _addFeed;
    private readonly SqliteStatement _keepFeed;
    private readonly SqliteStatement _renewFeed;
    private readonly SqliteStatement _trimFeed;
    private readonly SqliteStatement _nextFeeds;
    private readonly SqliteStatement _removeFeed;
    private readonly SqliteStatement _add;
    private readonly SqliteStatement _oldest;
    private readonly SqliteStatement _newest;
    private readonly SqliteStatement _after;
    private readonly SqliteStatement _removeForeign;
    private readonly SqliteStatement _removeThrough;
    private readonly SqliteStatement _removeOldest;
    private readonly SqliteStatement _redate;
    private readonly SqliteStatement _probe;

    private SqliteDatabase(string path, FileStream fileLock, SqliteConnection connection)
    {
        (_path, _fileLock, _connection) = (path, fileLock, connection);
        // Readers never create a file.
        var reading = new SqliteConnectionStringBuilder(connection.ConnectionString) { Mode = SqliteOpenMode.ReadWrite };
        Readers = new SqliteReaders(reading.ConnectionString);
        _begin = Statement("BEGIN IMMEDIATE");
        _commit = Statement("COMMIT");
        _rollback = Statement("ROLLBACK");
        _truncateWal = Statement("PRAGMA wal_checkpoint(TRUNCATE)");
        _seed = Statement("SELECT value FROM seed");
        _removals = Statement("SELECT count FROM removals WHERE bucket = $1");
        _countRemoval = Statement("INSERT INTO removals VALUES ($1, 1) ON CONFLICT (bucket) DO UPDATE SET count = count + 1");
        _findFeed = Statement("SELECT id, epoch, trimmed, keep_ms FROM feeds WHERE name = $1");
        _addFeed = Statement("INSERT INTO feeds (name, epoch, trimmed, keep_ms) VALUES ($1, $2, 0, $3) RETURNING id");
        _keepFeed = Statement("UPDATE feeds SET keep_ms = $2 WHERE id = $1");
        _renewFeed = Statement("UPDATE feeds SET epoch = $2 WHERE id = $1");
        _trimFeed = Statement("UPDATE feeds SET trimmed = $2 WHERE id = $1");
        _nextFeeds = Statement("SELECT id, name, keep_ms FROM feeds WHERE id > $1 ORDER BY id LIMIT $2");
        _removeFeed = Statement("DELETE FROM feeds WHERE id = $1");
        _add = Statement("INSERT INTO entries (feed, offset, at_ms, total, payload) VALUES ($1, $2, $3, $4, $5)");
        _oldest = Statement(
            "SELECT offset, at_ms, total, coalesce(length(payload), 0) FROM entries "
            + $"WHERE feed = $1 AND {SqliteSchema.IsOffset} ORDER BY offset");
        _newest = Statement(
            "SELECT offset, at_ms, total, payload IS NULL FROM entries "
            + $"WHERE feed = $1 AND {SqliteSchema.IsOffset} ORDER BY offset DESC LIMIT 1");
        _after = Statement("SELECT offset, payload, at_ms FROM entries WHERE feed = $1 AND offset > $2 ORDER BY offset");
        _removeForeign = Statement(
            "DELETE FROM entries WHERE feed = $1 AND offset < 1; "
            + $"DELETE FROM entries WHERE feed = $1 AND offset > {SqliteSchema.MaxOffset}");
        _removeThrough = Statement("DELETE FROM entries WHERE feed = $1 AND offset <= $2");
        _removeOldest = Statement(
            "DELETE FROM entries WHERE feed = $1 AND offset IN (SELECT offset FROM entries WHERE feed = $1 ORDER BY offset LIMIT $2)");
        _redate = Statement(
            "UPDATE entries SET at_ms = $2 WHERE feed = $1 AND at_ms > $2 AND offset > coalesce("
            + "(SELECT offset FROM entries WHERE feed = $1 AND at_ms <= $2 ORDER BY offset DESC LIMIT 1), 0)");
        _probe = Statement("INSERT INTO probe VALUES (zeroblob($1)); DELETE FROM probe");
    }

    internal SqliteReaders Readers { get; }

    /// <summary>Opens the file, or creates it.</summary>
    /// <param name="connectionString">Names the file by its full path.</param>
    /// <param name="path">The same path.</param>
    /// <param name="verify">Whether to check the whole file first and move the WAL into it.</param>
    internal static SqliteDatabase Open(string connectionString, string path, bool verify)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var fileLock = Lock(path);
        SqliteConnection? connection = null;
        try
        {
            connection = new SqliteConnection(connectionString);
            if (new SqliteConnectionStringBuilder(connectionString).Mode == SqliteOpenMode.ReadWriteCreate && !Path.Exists(path))
            {
                Create(path).Dispose(); // SQLite gives the mode of the file to -wal and -shm
            }
            connection.Open();
            SqliteSchema.Prepare(connection, path, verify);
            return new SqliteDatabase(path, fileLock, connection);
        }
        catch
        {
            connection?.Dispose();
            fileLock.Dispose();
            throw;
        }
    }

    internal void Begin() => _begin.Execute();

    /// <summary>Whether the file was removed or moved, or another file is in its place.</summary>
    internal bool HasMoved => SqliteFile.HasMoved(_connection);

    /// <summary>Whether every user of the machine can read the file. Unknown, and so false, on Windows.</summary>
    internal bool IsReadableByOthers => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(_path) & UnixFileMode.OtherRead) != 0;

    /// <summary>The bytes of the WAL; null: there is none.</summary>
    internal long? WalLength => new FileInfo($"{_path}-wal") is { Exists: true } log ? log.Length : null;

    /// <summary>Commits the transaction. When this returns, it is on the disk, in the file of that name.</summary>
    /// <exception cref="FeedUnavailableException">The file was moved, so what was committed may be in another file.</exception>
    internal void Commit()
    {
        _commit.Execute();
        if (HasMoved || WalLength is null)
        {
            throw new FeedUnavailableException(SqliteFaults.Moved(_path));
        }
    }

    /// <summary>Rolls the transaction back, unless SQLite has already done so. False: it failed.</summary>
    internal bool TryRollback()
    {
        try
        {
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0)
            {
                _rollback.Execute();
            }
            return true;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    /// <summary>
    /// Moves the WAL into the file and truncates it. Readers wait meanwhile, as SQLite cannot do it while some that overlap read.
    /// </summary>
    /// <returns>False: another program's transaction needs the WAL.</returns>
    internal bool TryTruncateWal()
    {
        using (Readers.Suspend())
        {
            return _truncateWal.Value<long>() == 0; // the column busy: being held up is no error to SQLite
        }
    }

    /// <summary>
    /// Reads the feed of this name. One that has no row gets it at once, unless it is a key of a family: anybody may ask for keys, so
    /// those get it with their first entry.
    /// </summary>
    internal FeedRow OpenFeed(string name, TimeSpan keep)
    {
        var keepMilliseconds = (long)keep.TotalMilliseconds;
        FeedRow? found = null;
        using (var row = _findFeed.Query(name))
        {
            if (row.Read())
            {
                found = new FeedRow(row.GetInt64(0), row.GetString(1), Head: row.GetInt64(2), row.GetInt64(2), 0, 0);
                if (row.GetInt64(3) == keepMilliseconds)
                {
                    keepMilliseconds = -1;
                }
            }
        }
        if (found is not { } feed)
        {
            var isKey = FeedName.IsOfFamily(name);
            var epoch = isKey ? EpochWithoutRow(name) : SqliteEpoch.New();
            return new FeedRow(isKey ? 0 : AddFeed(name, epoch, keep), epoch, 0, 0, 0, 0);
        }
        if (keepMilliseconds >= 0)
        {
            _keepFeed.Execute(feed.Id, keepMilliseconds);
        }
        using (var oldest = _oldest.Query(feed.Id))
        {
            if (!oldest.Read())
            {
                return feed;
            }
            feed = feed with
            {
                Trimmed = oldest.GetInt64(0) - 1,
                TrimmedTotal = oldest.GetInt64(2) - oldest.GetInt64(3),
                OldestAt = SqliteStatement.Time(oldest.GetInt64(1)),
            };
        }
        using var newest = _newest.Query(feed.Id);
        if (!newest.Read())
        {
            return feed;
        }
        var isCompleted = newest.GetInt64(3) == 1;
        feed = feed with { Head = newest.GetInt64(0), Total = newest.GetInt64(2), NewestAt = SqliteStatement.Time(newest.GetInt64(1)) };
        return isCompleted ? feed with { Completion = new(feed.Head, default, feed.NewestAt) } : feed;
    }

    /// <summary>Removes the rows of a feed whose offsets no log has, which another program wrote.</summary>
    /// <returns>How many were removed.</returns>
    internal int RemoveForeign(long feed) => _removeForeign.Execute(feed);

    /// <summary>Creates a feed, and returns its id.</summary>
    internal long AddFeed(string name, string epoch, TimeSpan keep) => _addFeed.Value<long>(name, epoch, (long)keep.TotalMilliseconds);

    /// <summary>Gives a feed a new epoch and returns that.</summary>
    internal string RenewFeed(long feed)
    {
        var epoch = SqliteEpoch.New();
        _renewFeed.Execute(feed, epoch);
        return epoch;
    }

    /// <summary>Removes all entries of a feed, so that its offsets start again, in another epoch.</summary>
    /// <returns>The epoch.</returns>
    internal string BeginAnew(long feed)
    {
        _removeThrough.Execute(feed, long.MaxValue);
        _trimFeed.Execute(feed, 0);
        return RenewFeed(feed);
    }

    internal void Add(long feed, in FeedEntry entry, byte[] payload, long total) =>
        _add.Execute(
            feed, entry.Offset, entry.At.ToUnixTimeMilliseconds(), total, entry.IsCompletion ? DBNull.Value : payload);

    internal IEnumerable<FeedEntry> After(long feed, long offset)
    {
        using var rows = _after.Query(feed, offset);
        while (rows.Read())
        {
            yield return new FeedEntry(rows.GetInt64(0), SqliteStatement.Payload(rows, 1), SqliteStatement.Time(rows.GetInt64(2)));
        }
    }

    /// <summary>Offset, time and total of a feed's entries, oldest first.</summary>
    internal IEnumerable<(long Offset, DateTimeOffset At, long Total)> Oldest(long feed)
    {
        using var rows = _oldest.Query(feed);
        while (rows.Read())
        {
            yield return (rows.GetInt64(0), SqliteStatement.Time(rows.GetInt64(1)), rows.GetInt64(2));
        }
    }

    /// <summary>Removes a feed's entries up to an offset. The feed remembers the offset if it is that of its head.</summary>
    internal void RemoveThrough(long feed, long offset, bool isHead)
    {
        _removeThrough.Execute(feed, offset);
        if (isHead)
        {
            _trimFeed.Execute(feed, offset);
        }
    }

    /// <summary>Removes a feed's entries, oldest first, up to this many. The feed remembers its head.</summary>
    /// <returns>How many were removed.</returns>
    internal int RemoveAll(long feed, long head, int max)
    {
        _trimFeed.Execute(feed, head);
        return _removeOldest.Execute(feed, max);
    }

    /// <summary>
    /// Dates entries of the future to now: the clock was set back since they were appended, and they would outlive their retention by as
    /// much. They are the newest, as the dates of a feed do not fall.
    /// </summary>
    internal void Redate(long feed, DateTimeOffset now) => _redate.Execute(feed, now.ToUnixTimeMilliseconds());

    /// <summary>Feeds with a higher id, and how long they keep their entries.</summary>
    internal List<(long Id, string Name, TimeSpan Keep)> NextFeeds(long after, int max)
    {
        var feeds = new List<(long, string, TimeSpan)>();
        using var rows = _nextFeeds.Query(after, max);
        while (rows.Read())
        {
            var keep = TimeSpan.FromMilliseconds(Math.Clamp(rows.GetInt64(2), 0, MaxKeepMilliseconds));
            feeds.Add((rows.GetInt64(0), rows.GetString(1), keep));
        }
        return feeds;
    }

    /// <summary>A feed's newest entry; null: it has none.</summary>
    internal (long Offset, DateTimeOffset At)? Newest(long feed)
    {
        using var row = _newest.Query(feed);
        return row.Read() ? (row.GetInt64(0), SqliteStatement.Time(row.GetInt64(1))) : null;
    }

    /// <summary>Removes a feed that has no entries. If it is opened again, it begins in another epoch.</summary>
    internal void RemoveFeed(long feed, string name)
    {
        _removeThrough.Execute(feed, long.MaxValue); // another program may have written some that are no log's
        _removeFeed.Execute(feed);
        _countRemoval.Execute(SqliteEpoch.BucketOf(name));
    }

    /// <summary>Writes as an append does, and leaves nothing behind.</summary>
    internal void Probe() => _probe.Execute(ProbeBytes);

    public void Dispose()
    {
        Readers.Dispose();
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }
        _connection.Dispose();
        _fileLock.Dispose();
    }

    private string EpochWithoutRow(string name)
    {
        var removals = _removals.Value<object>(SqliteEpoch.BucketOf(name)) is long count ? count : 0;
        return SqliteEpoch.Of(name, _seed.Value<object>() as string ?? "", removals);
    }

    // A second process would not see what this one appends. SQLite's own locks end with the transaction; this one ends with the process,
    // even if that is killed.
    private static FileStream Lock(string path)
    {
        var name = $"{path}-lock";
        try
        {
            return Create(name);
        }
        catch (IOException exception) when (exception.GetType() == typeof(IOException) && IsTaken(exception))
        {
            throw new FeedUnavailableException(
                $"{path} is in use by another process. A file serves one process, and this one takes over when the other has ended. "
                + "An update that waits until this one is ready has to end the other first. Several servers need a store that they share.",
                exception);
        }
    }

    // Opens a file alone. What is published is the app's business, so a new file is for the app's user, whatever the umask allows others.
    private static FileStream Create(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        return new FileStream(path, options);
    }

    private static bool IsTaken(IOException exception) => OperatingSystem.IsWindows()
        ? (exception.HResult & 0xFFFF) == 32 // ERROR_SHARING_VIOLATION
        : exception.HResult is 11 or 35; // EWOULDBLOCK on Linux, on macOS

    private SqliteStatement Statement(string sql)
    {
        var statement = new SqliteStatement(_connection, sql);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>The state of a feed in the file.</summary>
    /// <param name="Id">Its key; 0: it has no row.</param>
    /// <param name="Epoch">Its epoch.</param>
    /// <param name="Head">Its newest offset.</param>
    /// <param name="Trimmed">The highest offset that was removed; 0: none was.</param>
    /// <param name="Total">Bytes of payload up to its head.</param>
    /// <param name="TrimmedTotal">Bytes of payload up to what was removed.</param>
    /// <param name="OldestAt">When its oldest entry was published.</param>
    /// <param name="NewestAt">When its newest entry was published.</param>
    /// <param name="Completion">Its newest entry, if that is a completion.</param>
    internal readonly record struct FeedRow(
        long Id,
        string Epoch,
        long Head,
        long Trimmed,
        long Total,
        long TrimmedTotal,
        DateTimeOffset OldestAt = default,
        DateTimeOffset NewestAt = default,
        FeedEntry? Completion = null);
}
