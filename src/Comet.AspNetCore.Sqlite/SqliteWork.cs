using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Sqlite;

/// <summary>One task for the batch. Tasks that wait at the same moment share a transaction.</summary>
internal abstract class SqliteWork
{
    /// <summary>The bytes that it adds to the transaction.</summary>
    internal virtual int Bytes => 0;

    /// <summary>Whether it needs a transaction.</summary>
    internal virtual bool NeedsFile => true;

    /// <summary>Whether it has written to the file, so that its commit proves that the file can be written.</summary>
    internal virtual bool HasWritten => false;

    /// <summary>Does the work, inside the transaction.</summary>
    internal abstract void Execute(SqliteBatch batch, SqliteDatabase database);

    /// <summary>Completes the caller's task, after the commit.</summary>
    internal abstract void Complete(SqliteBatch batch);

    /// <summary>Fails the caller's task: it is uncertain whether the work was done.</summary>
    internal abstract void Fail(SqliteBatch batch, FeedUnavailableException fault);
}

/// <summary>Work with a result that its caller waits for.</summary>
internal abstract class SqliteWork<T> : SqliteWork
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task<T> Completion => _completion.Task;

    internal override void Fail(SqliteBatch batch, FeedUnavailableException fault) => SetException(SqliteFaults.Copy(fault));

    private protected void SetResult(T result) => _completion.TrySetResult(result);

    private protected void SetException(Exception exception) => _completion.TrySetException(exception);
}

internal sealed class SqliteAppend(SqliteFeed feed, ReadOnlyMemory<byte> payload) : SqliteWork<FeedPosition>
{
    private FeedPosition? _position;
    private bool _hasWritten;
    private bool _isCompleted;

    internal override int Bytes => payload.Length;

    internal override bool HasWritten => _hasWritten;

    internal override void Execute(SqliteBatch batch, SqliteDatabase database)
    {
        (_position, _hasWritten) = feed.IsOpen ? batch.Append(feed, payload, database) : default;
        _isCompleted = feed.IsOpen && _position is null;
    }

    internal override void Complete(SqliteBatch batch)
    {
        if (_position is { } position)
        {
            SetResult(position);
        }
        else
        {
            SetException(_isCompleted ? new FeedCompletedException(feed.Name) : new ObjectDisposedException(nameof(IFeedLog)));
        }
    }
}

internal sealed class SqliteOpen(string name, FeedRetention retention, IFeedTail tail) : SqliteWork<SqliteFeed>
{
    private SqliteFeed? _feed;

    internal override void Execute(SqliteBatch batch, SqliteDatabase database) => _feed = batch.Open(name, retention, database);

    internal override void Complete(SqliteBatch batch)
    {
        _feed!.AddTail(tail);
        SetResult(_feed);
    }
}

internal sealed class SqliteClose(SqliteFeed feed, IFeedTail tail) : SqliteWork<bool>
{
    internal override bool NeedsFile => false;

    internal override void Execute(SqliteBatch batch, SqliteDatabase database)
    {
    }

    internal override void Complete(SqliteBatch batch)
    {
        batch.RemoveTail(feed, tail);
        SetResult(true);
    }

    internal override void Fail(SqliteBatch batch, FeedUnavailableException fault) => Complete(batch);
}

/// <summary>Opens the file for a caller who wants to read it.</summary>
internal sealed class SqliteFileOpening : SqliteWork<bool>
{
    internal override void Execute(SqliteBatch batch, SqliteDatabase database)
    {
    }

    internal override void Complete(SqliteBatch batch) => SetResult(true);
}

/// <summary>Checks that the file can be written.</summary>
internal sealed class SqliteProbe : SqliteWork<bool>
{
    internal override bool HasWritten => true;

    internal override void Execute(SqliteBatch batch, SqliteDatabase database) => database.Probe();

    internal override void Complete(SqliteBatch batch) => SetResult(true);
}

/// <summary>Hands the writer a failure of a reader, so that the whole store fails with it.</summary>
internal sealed class SqliteFailure(Exception exception) : SqliteWork<bool>
{
    internal override void Execute(SqliteBatch batch, SqliteDatabase database) => throw exception;

    internal override void Complete(SqliteBatch batch) => SetResult(true);
}

/// <summary>Removes entries that retention no longer covers, from feeds to which nothing is appended, too.</summary>
internal sealed class SqliteSweep : SqliteWork
{
    internal override void Execute(SqliteBatch batch, SqliteDatabase database) => batch.Sweep(database);

    internal override void Complete(SqliteBatch batch)
    {
    }

    internal override void Fail(SqliteBatch batch, FeedUnavailableException fault)
    {
    }
}
