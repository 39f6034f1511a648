using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

/// <summary>
/// The one thread that writes. It takes the work that waits, does it in one transaction, and completes the callers' tasks when the commit
/// is on the disk. Work that comes in the meantime is in the next transaction. After a failure it rejects all work for half a second, and
/// then tries again.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    // Limits of one transaction, so that no caller waits long for others.
    private const int MaxBatch = 1024;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxRemoved = 1024;
    private const long MaxWalBytes = 16 * 1024 * 1024;

    // Until then all work fails at once, so that no caller waits for a locked file behind others who have waited in vain.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly string _connectionString;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly object _lock = new(); // for Monitor.Wait, which does not spin
    private readonly SqliteSweeper _sweeper = new();
    private readonly Queue<SqliteWork> _queue = new();
    private readonly Dictionary<string, SqliteFeed> _feeds = [];
    private readonly HashSet<SqliteFeed> _touched = []; // changed by this transaction
    private readonly HashSet<SqliteFeed> _unsettled = []; // opened or closed in this batch
    private readonly HashSet<SqliteFeed> _stale = []; // have to be loaded again, as a failure made it uncertain what the file holds
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SqliteDatabase? _database;
    private SqliteDatabase? _moved; // its file was removed or replaced while it was open; it knows when the file is back
    private volatile FeedUnavailableException? _fault;
    private DateTimeOffset _now;
    private long _storedAt;
    private long _failedAt;
    private int _removable;
    private bool _isEnding;
    private bool _isSuspect;
    private bool _isSweeping;
    private bool _isSwept;
    private bool _isWriting;

    internal SqliteWriter(string connectionString, string path, TimeProvider time, ILogger logger)
    {
        (_connectionString, _path, _time, _logger) = (connectionString, path, time, logger);
        new Thread(Run) { IsBackground = true, Name = "Comet SQLite" }.Start();
    }

    /// <summary>The connections that read the file.</summary>
    /// <exception cref="FeedUnavailableException">The file cannot be used.</exception>
    internal SqliteReaders Readers =>
        _database is { } database ? database.Readers : throw (_fault is { } fault ? SqliteFaults.Copy(fault) : ShuttingDown());

    /// <summary>Whether something was stored within this time, and nothing has failed since.</summary>
    internal bool HasStoredWithin(TimeSpan time) =>
        _database is not null && _fault is null && _time.GetElapsedTime(Volatile.Read(ref _storedAt)) < time;

    /// <summary>Adds work for the next transaction.</summary>
    /// <exception cref="FeedUnavailableException">The app is shutting down.</exception>
    internal void Enqueue(SqliteWork work)
    {
        if (!TryEnqueue(work))
        {
            throw ShuttingDown();
        }
    }

    /// <summary>Adds work for the next transaction. False: the app is shutting down.</summary>
    internal bool TryEnqueue(SqliteWork work)
    {
        lock (_lock)
        {
            if (!_isEnding)
            {
                _queue.Enqueue(work);
                Monitor.Pulse(_lock);
            }
            return !_isEnding;
        }
    }

    internal FeedPosition Append(SqliteFeed feed, ReadOnlyMemory<byte> payload, SqliteDatabase database)
    {
        _touched.Add(feed);
        return feed.Append(database, payload, _now);
    }

    /// <summary>Loads the feed of this name. It is forgotten after this batch if it has no tail by then.</summary>
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
        _unsettled.Add(feed);
        return feed;
    }

    /// <summary>Removes a tail. The feed is forgotten after this batch if it has no other.</summary>
    internal void RemoveTail(SqliteFeed feed, IFeedTail tail)
    {
        feed.RemoveTail(tail);
        _unsettled.Add(feed);
    }

    /// <summary>Removes old entries, of feeds that are open and of feeds that are not.</summary>
    internal void Sweep(SqliteDatabase database)
    {
        _isSweeping = true;
        _touched.UnionWith(_feeds.Values.Where(feed => feed.IsDue(_now)));
        _isSwept &= _sweeper.Sweep(database, _now, _feeds.ContainsKey, ref _removable);
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isEnding = true;
            Monitor.Pulse(_lock);
        }
        await _ended.Task;
    }

    private static FeedUnavailableException ShuttingDown() => new("The app is shutting down.");

    private void Run()
    {
        var batch = new List<SqliteWork>();
        while (DequeueBatch(batch))
        {
            if (_fault is { } fault && _time.GetElapsedTime(_failedAt) < RetryDelay)
            {
                Reject(batch, fault);
            }
            else
            {
                Process(batch);
            }
            batch.Clear();
            ForgetClosed();
        }
        Close();
        _ended.SetResult();
    }

    /// <summary>Takes as much work as fits into a transaction, and waits for some. False: the app is shutting down.</summary>
    private bool DequeueBatch(List<SqliteWork> batch)
    {
        lock (_lock)
        {
            while (_queue.Count == 0 && !_isEnding)
            {
                Monitor.Wait(_lock);
            }
            for (var bytes = 0; batch.Count < MaxBatch && bytes < MaxBytes && _queue.TryDequeue(out var work); bytes += work.Bytes)
            {
                batch.Add(work);
            }
            return batch.Count > 0;
        }
    }

    private void Process(List<SqliteWork> batch)
    {
        try
        {
            (_isSwept, _isSweeping) = (true, false);
            if (batch.Exists(work => work.NeedsFile))
            {
                ExecuteTransaction(batch);
            }
            foreach (var work in batch)
            {
                work.Complete(this);
            }
            batch.Clear(); // it is done, so a later failure must not fail it
            if (_isSweeping)
            {
                TruncateWal();
            }
            if (!_isSwept)
            {
                TryEnqueue(new SqliteSweep());
            }
        }
        catch (Exception exception) // the thread goes on after any failure, and the callers get it
        {
            Fail(batch, exception);
        }
    }

    private void ExecuteTransaction(List<SqliteWork> batch)
    {
        var database = _database ??= Open();
        database.Begin();
        _isWriting = true;
        _now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds()); // as precise as the file
        _removable = batch.Count + MaxRemoved;
        foreach (var feed in _stale)
        {
            feed.Load(database);
            _touched.Add(feed);
        }
        foreach (var work in batch)
        {
            work.Execute(this, database);
        }
        foreach (var feed in _touched)
        {
            _isSwept &= feed.Trim(database, _now, ref _removable);
        }
        database.Commit();
        _isWriting = false;
        _stale.Clear();
        Report(batch);
        foreach (var feed in _touched)
        {
            feed.Deliver();
        }
        _touched.Clear();
    }

    private SqliteDatabase Open()
    {
        // SQLite would apply the WAL that is left to another file.
        if (_moved is { HasMoved: true, WalLength: > 0 })
        {
            throw new FeedUnavailableException(SqliteFaults.Moved(_path));
        }
        Close();
        var database = SqliteDatabase.Open(_connectionString, _path, _isSuspect);
        _isSuspect = false;
        _stale.UnionWith(_feeds.Values);
        return database;
    }

    private void Report(List<SqliteWork> batch)
    {
        if (!batch.Exists(work => work.HasWritten))
        {
            return;
        }
        Volatile.Write(ref _storedAt, _time.GetTimestamp());
        if (_fault is not null)
        {
            SqliteLogMessages.Recovered(_logger, _path);
            _fault = null;
        }
    }

    // Readers that overlap keep SQLite from restarting the WAL by itself, so readers wait while it is truncated.
    private void TruncateWal()
    {
        try
        {
            if (_database is { WalLength: > MaxWalBytes } database)
            {
                database.TruncateWal();
            }
        }
        catch (SqliteException exception) when (SqliteFaults.LeavesFileIntact(exception))
        {
            // Appends work as long as there is room for the WAL to grow.
            SqliteLogMessages.WalNotTruncated(_logger, exception, _path, MaxWalBytes);
        }
    }

    private void Fail(List<SqliteWork> batch, Exception exception)
    {
        var fault = SqliteFaults.Describe(exception, _path);
        if (_fault?.Message != fault.Message)
        {
            SqliteLogMessages.Failed(_logger, exception, fault.Message);
        }
        (_fault, _failedAt) = (fault, _time.GetTimestamp());
        _isSuspect |= SqliteFaults.MayHaveDamaged(exception);
        Undo(exception);
        Reject(batch, fault);
    }

    private void Reject(List<SqliteWork> batch, FeedUnavailableException fault)
    {
        foreach (var work in batch)
        {
            work.Fail(this, fault);
        }
    }

    private void ForgetClosed()
    {
        foreach (var feed in _unsettled.Where(feed => !feed.IsOpen))
        {
            _feeds.Remove(feed.Name);
            _stale.Remove(feed);
        }
        _unsettled.Clear();
    }

    private void Undo(Exception exception)
    {
        _stale.UnionWith(_touched);
        _touched.Clear();
        // After a failure that leaves the file intact it stays open, as it can still be read.
        if (!SqliteFaults.LeavesFileIntact(exception) || (_isWriting && !_database!.TryRollback()))
        {
            ReleaseDatabase();
        }
        _isWriting = false;
    }

    private void ReleaseDatabase()
    {
        if (_database is { HasMoved: true })
        {
            (_moved, _database) = (_database, null);
        }
        else if (_database is not null)
        {
            Close();
        }
    }

    private void Close()
    {
        _moved?.Dispose();
        _database?.Dispose();
        (_moved, _database) = (null, null);
    }
}
