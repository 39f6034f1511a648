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

    public ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken) =>
        stream.ReadAsync(feed, after, maxEntries, maxBytes, cancellationToken);

    public async ValueTask<FeedPosition> FindNewestAsync(int count, CancellationToken cancellationToken) =>
        count is > 0 and <= NewestSearch.MaxCount
            ? await stream.FindNewestAsync(feed, count, cancellationToken)
            : await ((IFeedLog)new ForwardLog(this)).FindNewestAsync(count, cancellationToken);

    public ValueTask<bool> ReachAsync(FeedPosition position, CancellationToken cancellationToken) =>
        stream.ReachAsync(position, cancellationToken);

    public ValueTask DisposeAsync()
    {
        _isClosed = true;
        stream.Close(feed, tail);
        return ValueTask.CompletedTask;
    }

    // The same log, searched as any log is.
    private sealed class ForwardLog(RabbitMQFeedLog log) : IFeedLog
    {
        public ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
            log.AppendAsync(payload, cancellationToken);

        public ValueTask<FeedLogPage> ReadAsync(long after, int maxEntries, long maxBytes, CancellationToken cancellationToken) =>
            log.ReadAsync(after, maxEntries, maxBytes, cancellationToken);

        public ValueTask DisposeAsync() => log.DisposeAsync();
    }
}
