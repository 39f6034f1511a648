using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Sqlite;

/// <summary>The log of one feed in the file, for one tail.</summary>
internal sealed class SqliteFeedLog(SqliteWriter writer, SqliteFeed feed, IFeedTail tail) : IFeedLog
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
        await ReadAsync(
            (reader, id) => reader.Read(id, after, maxEntries, maxBytes), static empty => new FeedLogPage(empty, 0, []), cancellationToken)
        ?? Missing;

    public async ValueTask<FeedPosition> FindNewestAsync(int count, CancellationToken cancellationToken) =>
        await ReadAsync((reader, id) => reader.FindNewest(id, count), Beginning, cancellationToken) ?? MissingPosition;

    public async ValueTask<FeedPosition> FindSinceAsync(DateTimeOffset time, CancellationToken cancellationToken) =>
        await ReadAsync((reader, id) => reader.FindSince(id, time), Beginning, cancellationToken) ?? MissingPosition;

    public async ValueTask DisposeAsync()
    {
        var close = new SqliteClose(feed, tail);
        if (!Interlocked.Exchange(ref _isClosed, true) && writer.TryEnqueue(close))
        {
            await close.Completion;
        }
    }

    private static FeedPosition? Beginning(string epoch) => new FeedPosition(epoch, 0);

    // A feed that never had an entry is not in the file.
    private async ValueTask<T> ReadAsync<T>(Func<SqliteReader, long, T> read, Func<string, T> empty, CancellationToken cancellationToken)
    {
        var (id, epoch) = feed.InFile;
        return id == 0 ? empty(epoch) : await writer.ReadAsync(reader => read(reader, id), cancellationToken);
    }
}
