using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>The log of one feed in the file, for one tail.</summary>
internal sealed class SqliteFeedLog(SqliteWriter writer, SqliteFeed feed, IFeedTail tail, string path) : IFeedLog
{
    // The answers for a feed that is no longer in the file.
    private static readonly FeedPosition MissingPosition = new("none", 0);
    private static readonly FeedLogPage Missing = new(MissingPosition.Epoch, long.MaxValue, []);

    private bool _isClosed;

    public async ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isClosed), this);
        cancellationToken.ThrowIfCancellationRequested();
        var append = new SqliteAppend(feed, payload);
        writer.Enqueue(append);
        return await append.Completion.WaitAsync(cancellationToken);
    }

    public async ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken) =>
        await ReadAsync(reader => reader.Read(feed.Id, after, maxEntries, maxBytes), cancellationToken) ?? Missing;

    public async ValueTask<FeedPosition> FindNewestAsync(int count, CancellationToken cancellationToken) =>
        await ReadAsync(reader => reader.FindNewest(feed.Id, count), cancellationToken) ?? MissingPosition;

    public async ValueTask<FeedPosition> FindSinceAsync(DateTimeOffset time, CancellationToken cancellationToken) =>
        await ReadAsync(reader => reader.FindSince(feed.Id, time), cancellationToken) ?? MissingPosition;

    public async ValueTask DisposeAsync()
    {
        var close = new SqliteClose(feed, tail);
        if (!Interlocked.Exchange(ref _isClosed, true) && writer.TryEnqueue(close))
        {
            await close.Completion;
        }
    }

    private async ValueTask<T> ReadAsync<T>(Func<SqliteReader, T> read, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.Readers.ReadAsync(read, cancellationToken);
        }
        catch (SqliteException exception)
        {
            if (SqliteFaults.IsDamage(exception))
            {
                writer.TryEnqueue(new SqliteFailure(exception)); // appends to a damaged file could be lost
            }
            throw SqliteFaults.Describe(exception, path);
        }
    }
}
