using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>The log of one feed, in a RabbitMQ stream that it may share with others of its family.</summary>
internal sealed class RabbitMQFeedLog(RabbitMQStream stream, string feed, IFeedTail tail) : IFeedLog
{
    private volatile bool _isClosed;

    public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        return stream.AppendAsync(feed, payload, cancellationToken);
    }

    public async ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
    {
        var trimmedThrough = 0L;
        while (true)
        {
            var page = await stream.ReadAsync(feed, after, maxEntries, maxBytes, cancellationToken);
            trimmedThrough = Math.Max(trimmedThrough, page.TrimmedThrough);
            // RabbitMQ removes whole segments, so it may still have entries that are too old.
            var outdated = stream.OutdatedThrough;
            var kept = page.Entries.SkipWhile(entry => entry.Offset <= outdated).ToList();
            if (kept.Count == page.Entries.Count)
            {
                return page with { TrimmedThrough = trimmedThrough };
            }
            after = page.Entries[^(kept.Count + 1)].Offset;
            trimmedThrough = Math.Max(trimmedThrough, after);
            if (kept.Count > 0)
            {
                return new FeedLogPage(page.Epoch, trimmedThrough, kept);
            }
        }
    }

    public ValueTask<bool> ReachAsync(FeedPosition position, CancellationToken cancellationToken) =>
        stream.ReachAsync(position, cancellationToken);

    public ValueTask DisposeAsync()
    {
        _isClosed = true;
        stream.Close(feed, tail);
        return ValueTask.CompletedTask;
    }
}
