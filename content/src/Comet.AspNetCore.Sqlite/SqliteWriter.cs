using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

/// <summary>
/// The one thread that writes. It takes what waits, does it in one transaction, and tells everybody when the commit is on the disk;
/// what comes meanwhile is the next transaction. After a failure it closes the file, and opens it again when there is something to do.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    // Bounds of one transaction, so that nobody waits long for others.
    private const int MaxWorks = 1024;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxRemoved = 1024;
    private const int MaxFeedsSwept = 1024;
    private const long MaxLogBytes = 16 * 1024 * 1024;

    // Between these, publishing fails at once instead of trying the file again.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly string _connectionString;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly object _gate = new(); // Monitor's, as the thread that waits must not spin
    private readonly Queue<SqliteWork> _queue = new();
    private readonly Dictionary<string, SqliteFeed> _feeds = [];
    private readonly HashSet<SqliteFeed> _touched = []; // by this transaction
    private readonly HashSet<SqliteFeed> _stale = []; // after a failure it is not certain what the file holds of them
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SqliteDatabase? _database;
    private volatile FeedUnavailableException? _fault;
    private DateTimeOffset _now;
    private long _storedAt;
    private long _failedAt;
    private long _sweptThrough;
    private int _removable;
    private bool _isEnding;
    private bool _isSuspect;
    private bool _isSwept;
    private bool _isWriting;

    internal SqliteWriter(string connectionString, string path, TimeProvider time, ILogger logger)
    {
        (_connectionString, _path, _time, _logger) = (connectionString, path, time, logger);
        new Thread(Run) { IsBackground = true, Name = "Comet SQLite" }.Start();
    }

    /// <summary>Those who read the file, while it can be used.</summary>
    /// <exception cref="FeedUnavailableException">It cannot.</exception>
    internal SqliteReaders Readers =>
        _database is { } database ? database.Readers : throw (_fault is { } fault ? SqliteFaults.Again(fault) : ShuttingDown());

    /// <summary>Whether something was stored within this time and nothing has failed since.</summary>
    internal bool HasStoredWithin(TimeSpan time) =>
        _database is not null && _fault is null && _time.GetElapsedTime(Volatile.Read(ref _storedAt)) < time;

    /// <exception cref="FeedUnavailableException">The app is shutting down.</exception>
    internal void Do(SqliteWork work)
    {
        if (!TryDo(work))
        {
            throw ShuttingDown();
        }
    }

    /// <summary>False: the app is shutting down.</summary>
    internal bool TryDo(SqliteWork work)
    {
        lock (_gate)
        {
            if (!_isEnding)
            {
                _queue.Enqueue(work);
                Monitor.Pulse(_gate);
            }
            return !_isEnding;
        }
    }

    internal FeedPosition Append(SqliteFeed feed, ReadOnlyMemory<byte> payload, SqliteDatabase database)
    {
        _touched.Add(feed);
        return feed.Append(database, payload, _now);
    }

    internal SqliteFeed Open(string name, FeedRetention retention, SqliteDatabase database)
    {
        if (_feeds.TryGetValue(name, out var feed))
        {
            feed.Retention = retention;
        }
        else
        {
            _feeds.Add(name, feed = new SqliteFeed(name) { Retention = retention });
        }
        feed.Load(database);
        _touched.Add(feed);
        return feed;
    }

    internal void Forget(SqliteFeed feed)
    {
        if (!feed.IsOpen && _feeds.TryGetValue(feed.Name, out var current) && current == feed)
        {
            _feeds.Remove(feed.Name);
            _stale.Remove(feed);
        }
    }

    internal void Sweep(SqliteDatabase database)
    {
        _touched.UnionWith(_feeds.Values.Where(feed => feed.IsDue(_now)));
        // Of the feeds that nobody has open a part each time, as there may be very many.
        var feeds = database.NextFeeds(_sweptThrough, MaxFeedsSwept);
        foreach (var (feed, name, keep) in feeds)
        {
            if (!_feeds.ContainsKey(name) && (database.Newest(feed) is not { } newest || newest < _now - keep))
            {
                _removable -= database.RemoveOldest(feed, _removable);
                if (_removable == 0)
                {
                    _isSwept = false;
                    return;
                }
                database.RemoveFeed(feed);
            }
            _sweptThrough = feed;
        }
        _sweptThrough = feeds.Count < MaxFeedsSwept ? 0 : _sweptThrough;
    }

    /// <summary>Readers that overlap keep the log from beginning anew; then it is done while they wait.</summary>
    internal void CutLog()
    {
        if (new FileInfo($"{_path}-wal") is { Exists: true, Length: > MaxLogBytes })
        {
            _database?.CutLog();
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }
        await _ended.Task;
    }

    private static FeedUnavailableException ShuttingDown() => new("The app is shutting down.");

    private void Run()
    {
        var works = new List<SqliteWork>();
        while (Take(works))
        {
            try
            {
                Do(works);
            }
            catch (Exception exception) // whatever it is, the thread goes on, and those who wait learn of it
            {
                Fail(works, exception);
            }
            works.Clear();
        }
        Close();
        _ended.SetResult();
    }

    /// <summary>Waits for something to do, and takes as much as fits into a transaction. False: nothing will come any more.</summary>
    private bool Take(List<SqliteWork> works)
    {
        lock (_gate)
        {
            while (_queue.Count == 0 && !_isEnding)
            {
                Monitor.Wait(_gate);
            }
            for (var bytes = 0; works.Count < MaxWorks && bytes < MaxBytes && _queue.TryDequeue(out var work); bytes += work.Bytes)
            {
                works.Add(work);
            }
            return works.Count > 0;
        }
    }

    private void Do(List<SqliteWork> works)
    {
        var database = _database ??= Open();
        database.Begin();
        _isWriting = true;
        _now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds()); // as exact as the file
        _removable = works.Count + MaxRemoved;
        _isSwept = true;
        foreach (var feed in _stale)
        {
            feed.Load(database);
            _touched.Add(feed);
        }
        foreach (var work in works)
        {
            work.Run(this, database);
        }
        foreach (var feed in _touched)
        {
            _isSwept &= feed.Trim(database, _now, ref _removable);
        }
        database.Commit();
        _isWriting = false;
        _stale.Clear();
        Report(works);
        foreach (var feed in _touched)
        {
            feed.Deliver();
        }
        _touched.Clear();
        foreach (var work in works)
        {
            work.Complete(this);
        }
        if (!_isSwept)
        {
            TryDo(new SqliteSweep());
        }
    }

    private SqliteDatabase Open()
    {
        if (_fault is { } last && _time.GetElapsedTime(_failedAt) < RetryDelay)
        {
            throw last;
        }
        var database = SqliteDatabase.Open(_connectionString, _path, _isSuspect);
        _isSuspect = false;
        _stale.UnionWith(_feeds.Values);
        return database;
    }

    private void Report(List<SqliteWork> works)
    {
        if (_fault is not null)
        {
            SqliteLogging.Recovered(_logger, _path);
            _fault = null;
        }
        if (works.Exists(work => work is SqliteAppend or SqliteProbe))
        {
            Volatile.Write(ref _storedAt, _time.GetTimestamp());
        }
    }

    private void Fail(List<SqliteWork> works, Exception exception)
    {
        var fault = SqliteFaults.Describe(exception, _path);
        if (_fault?.Message != fault.Message)
        {
            SqliteLogging.Failed(_logger, exception, fault.Message);
        }
        if (fault != _fault)
        {
            (_fault, _failedAt) = (fault, _time.GetTimestamp());
        }
        _isSuspect |= SqliteFaults.MayHaveHarmed(exception);
        Undo(exception);
        foreach (var work in works)
        {
            work.Fail(this, fault);
        }
    }

    private void Undo(Exception exception)
    {
        foreach (var feed in _feeds.Values.Where(feed => !feed.IsOpen).ToList())
        {
            _feeds.Remove(feed.Name);
            _touched.Remove(feed);
        }
        _stale.UnionWith(_touched);
        _touched.Clear();
        // A transaction that another program or a full disk prevented has left the file as it was: it can still be read.
        if (!SqliteFaults.IsHarmless(exception) || (_isWriting && !_database!.TryRollback()))
        {
            Close();
        }
        _isWriting = false;
    }

    private void Close()
    {
        _database?.Dispose();
        _database = null;
    }
}
