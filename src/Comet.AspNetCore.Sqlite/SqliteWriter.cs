using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Sqlite;

/// <summary>
/// The one thread that writes. It takes what waits, does it in one transaction, and tells everybody when the commit is on the disk;
/// what comes meanwhile is the next transaction. After a failure it refuses everything for a moment, and then tries again.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    // Bounds of one transaction, so that nobody waits long for others.
    private const int MaxBatch = 1024;
    private const int MaxBytes = 4 * 1024 * 1024;
    private const int MaxRemoved = 1024;
    private const long MaxWalBytes = 16 * 1024 * 1024;

    // Between these everything fails at once, whatever was wrong: nobody waits for a file behind those who have waited in vain.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly string _connectionString;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly object _lock = new(); // Monitor's, as the thread that waits must not spin
    private readonly SqliteSweeper _sweeper = new();
    private readonly Queue<SqliteWork> _queue = new();
    private readonly Dictionary<string, SqliteFeed> _feeds = [];
    private readonly HashSet<SqliteFeed> _touched = []; // by this transaction
    private readonly HashSet<SqliteFeed> _unsettled = []; // opened or closed in this batch of work
    private readonly HashSet<SqliteFeed> _stale = []; // after a failure it is not certain what the file holds of them
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SqliteDatabase? _database;
    private SqliteDatabase? _moved; // was in use when its file was taken away, and knows whether it comes back
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

    /// <summary>Those who read the file, while it can be used.</summary>
    /// <exception cref="FeedUnavailableException">It cannot.</exception>
    internal SqliteReaders Readers =>
        _database is { } database ? database.Readers : throw (_fault is { } fault ? SqliteFaults.Copy(fault) : ShuttingDown());

    /// <summary>Whether something was stored within this time and nothing has failed since.</summary>
    internal bool HasStoredWithin(TimeSpan time) =>
        _database is not null && _fault is null && _time.GetElapsedTime(Volatile.Read(ref _storedAt)) < time;

    /// <exception cref="FeedUnavailableException">The app is shutting down.</exception>
    internal void Enqueue(SqliteWork work)
    {
        if (!TryEnqueue(work))
        {
            throw ShuttingDown();
        }
    }

    /// <summary>False: the app is shutting down.</summary>
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

    /// <summary>The feed of this name, read from the file. It is kept if somebody has joined it when this batch is over.</summary>
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

    /// <summary>The feed is forgotten if nobody has it open when this batch is over.</summary>
    internal void RemoveTail(SqliteFeed feed, IFeedTail tail)
    {
        feed.RemoveTail(tail);
        _unsettled.Add(feed);
    }

    /// <summary>Removes what is too old, of feeds that are open and of those that are not.</summary>
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

    /// <summary>Waits for something to do, and takes as much as fits into a transaction. False: nothing will come any more.</summary>
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
            batch.Clear(); // they are done, whatever becomes of the rest
            if (_isSweeping)
            {
                TruncateWal();
            }
            if (!_isSwept)
            {
                TryEnqueue(new SqliteSweep());
            }
        }
        catch (Exception exception) // whatever it is, the thread goes on, and those who wait learn of it
        {
            Fail(batch, exception);
        }
    }

    private void ExecuteTransaction(List<SqliteWork> batch)
    {
        var database = _database ??= Open();
        database.Begin();
        _isWriting = true;
        _now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds()); // as exact as the file
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
        // Another file with the log of this one would be a mixture of two.
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

    // Readers that overlap keep the log from beginning anew; then it is done while they wait.
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
            SqliteLogMessages.WalNotTruncated(_logger, exception, _path); // appends go on as long as there is room for it to grow
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
        // A transaction that another program or a full disk prevented has left the file as it was: it can still be read.
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
