using Comet.AspNetCore.Stores;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite;

/// <summary>The log of one feed in the file, for one tail.</summary>
internal sealed class SqliteFeedLog(SqliteWriter writer, SqliteFeed feed, IFeedTail tail, string path) : IFeedLog
{
    // The answer for a feed that is no longer in the file.
    private static readonly FeedLogPage Missing = new("none", long.MaxValue, []);

    private bool _isClosed;

    public async ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isClosed), this);
        cancellationToken.ThrowIfCancellationRequested();
        var append = new SqliteAppend(feed, payload);
        writer.Enqueue(append);
        return await append.Completion.WaitAsync(cancellationToken);
    }

    public async ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.Readers.ReadAsync(feed.Id, after, maxEntries, maxBytes, cancellationToken) ?? Missing;
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

    public async ValueTask DisposeAsync()
    {
        var close = new SqliteClose(feed, tail);
        if (!Interlocked.Exchange(ref _isClosed, true) && writer.TryEnqueue(close))
        {
            await close.Completion;
        }
    }
}
