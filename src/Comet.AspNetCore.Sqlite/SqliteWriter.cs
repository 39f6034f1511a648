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
    // Until then all work fails at once, so that no caller waits for a locked file behind others who have waited in vain.
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private readonly string _connectionString;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SqliteQueue _queue = new();
    private readonly SqliteFeeds _feeds;
    private readonly SqliteCheckpoint _checkpoint;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile SqliteState _state = new(SqliteFileStatus.Closed);
    private long _storedAt;

    internal SqliteWriter(string connectionString, string path, TimeProvider time, ILogger logger)
    {
        (_connectionString, _path, _time, _logger) = (connectionString, path, time, logger);
        _feeds = new SqliteFeeds(logger);
        _checkpoint = new SqliteCheckpoint(path, logger);
        new Thread(Run) { IsBackground = true, Name = "Comet SQLite" }.Start();
    }

    /// <summary>Reads the file, while it is written to.</summary>
    /// <exception cref="FeedUnavailableException">The file cannot be used.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal async ValueTask<T> ReadAsync<T>(Func<SqliteReader, T> read, CancellationToken cancellationToken)
    {
        try
        {
            return await Readers.ReadAsync(read, cancellationToken);
        }
        catch (SqliteException exception)
        {
            if (SqliteFaults.IsDamage(exception))
            {
                TryEnqueue(new SqliteFailure(exception)); // appends to a damaged file could be lost
            }
            throw SqliteFaults.Describe(exception, _path);
        }
    }

    private SqliteReaders Readers => _state switch
    {
        { Status: SqliteFileStatus.Open, Database: { } database } => database.Readers,
        { Status: not SqliteFileStatus.Ended, Outage: { } outage } => throw SqliteFaults.Copy(outage.Fault),
        _ => throw Ended(),
    };

    /// <summary>Whether something was stored within this time, and nothing has failed since.</summary>
    internal bool HasStoredWithin(TimeSpan time) =>
        _state is { Status: SqliteFileStatus.Open, Outage: null } && _time.GetElapsedTime(Volatile.Read(ref _storedAt)) < time;

    /// <summary>Whether the file is open, so that it can be read.</summary>
    internal bool IsFileOpen => _state.Status == SqliteFileStatus.Open;

    /// <summary>Adds a caller's work for the next transaction.</summary>
    /// <exception cref="FeedUnavailableException">Too much waits already.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal void Enqueue(SqliteWork work)
    {
        if (!_queue.TryAdd(work, maxBytes: work.Bytes > 0 ? SqliteQueue.MaxBytes : long.MaxValue)) // a probe is no burden
        {
            throw _queue.HasEnded ? Ended() : (Exception)new FeedUnavailableException(SqliteFaults.QueueFull(_path));
        }
    }

    /// <summary>Adds the store's own work for the next transaction. False: the app has ended.</summary>
    internal bool TryEnqueue(SqliteWork work) => _queue.TryAdd(work);

    public async ValueTask DisposeAsync()
    {
        _queue.End();
        await _ended.Task;
    }

    private static ObjectDisposedException Ended() => new(nameof(SqliteStore), "The app has ended, and its store with it.");

    private void Run()
    {
        for (var batch = new SqliteBatch(_feeds); _queue.TryTake(batch); batch = new SqliteBatch(_feeds))
        {
            if (_state.Outage is { } outage && _time.GetElapsedTime(outage.At) < RetryDelay)
            {
                batch.Fail(outage.Fault);
            }
            else
            {
                Process(batch);
            }
            _feeds.ForgetClosed();
        }
        CloseFile(SqliteFileStatus.Ended);
        _ended.SetResult();
    }

    private void Process(SqliteBatch batch)
    {
        try
        {
            if (batch.NeedsFile)
            {
                Store(batch, OpenFile());
            }
            batch.Complete();
            if (batch.IsSweep && _state.Database is { } database)
            {
                _checkpoint.TruncateWal(database);
            }
            if (batch.HasMoreToRemove)
            {
                TryEnqueue(new SqliteSweep());
            }
        }
        catch (Exception exception) // the thread goes on after any failure, and the callers get it
        {
            Fail(batch, exception);
        }
    }

    private SqliteDatabase OpenFile()
    {
        if (_state is { Status: SqliteFileStatus.Open, Database: { } open })
        {
            return open;
        }
        // SQLite would apply the WAL that is left to another file.
        if (_state is { Status: SqliteFileStatus.Moved, Database: { HasMoved: true, WalLength: > 0 } })
        {
            throw new FeedUnavailableException(SqliteFaults.Moved(_path));
        }
        CloseFile(SqliteFileStatus.Closed);
        var database = SqliteDatabase.Open(_connectionString, _path, _state.MustVerify);
        _state = _state with { Status = SqliteFileStatus.Open, Database = database, MustVerify = false };
        _feeds.MarkAllStale();
        if (database.IsReadableByOthers)
        {
            SqliteLogMessages.FileReadable(_logger, _path);
        }
        return database;
    }

    private void Store(SqliteBatch batch, SqliteDatabase database)
    {
        database.Begin();
        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds()); // as precise as the file
        batch.Execute(database, now);
        database.Commit();
        if (batch.HasWritten)
        {
            EndOutage();
        }
        batch.Deliver();
    }

    private void EndOutage()
    {
        Volatile.Write(ref _storedAt, _time.GetTimestamp());
        if (_state.Outage is not null)
        {
            SqliteLogMessages.Recovered(_logger, _path);
            _state = _state with { Outage = null };
        }
    }

    private void Fail(SqliteBatch batch, Exception exception)
    {
        var fault = SqliteFaults.Describe(exception, _path);
        if (_state.Outage?.Fault.Message != fault.Message)
        {
            SqliteLogMessages.Failed(_logger, exception, fault.Message);
        }
        _state = _state with
        {
            Outage = new SqliteOutage(fault, _time.GetTimestamp()),
            MustVerify = _state.MustVerify || SqliteFaults.MayHaveDamaged(exception),
        };
        LeaveFile(exception);
        batch.Fail(fault);
    }

    // After a failure that leaves the file intact it stays open, as it can still be read.
    private void LeaveFile(Exception exception)
    {
        if (_state is not { Status: SqliteFileStatus.Open, Database: { } database }
            || (SqliteFaults.LeavesFileIntact(exception) && database.TryRollback()))
        {
            return;
        }
        if (database.HasMoved)
        {
            _state = _state with { Status = SqliteFileStatus.Moved };
        }
        else
        {
            CloseFile(SqliteFileStatus.Closed);
        }
    }

    private void CloseFile(SqliteFileStatus status)
    {
        _state.Database?.Dispose();
        _state = _state with { Status = status, Database = null };
    }
}
