using System.Collections.Concurrent;
using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>Keeps logs in RabbitMQ streams: one for each feed without a key, a few for each family.</summary>
internal sealed class RabbitMQStore(
    RabbitMQConnection broker,
    IOptions<RabbitMQStoreOptions> options,
    TimeProvider time,
    ILogger<RabbitMQStore> logger) : IFeedStore, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<RabbitMQStream>> _streams = new();
    private readonly ScanPlaces _places = new();
    private readonly OutboxBytes _outboxBytes = new();

    public bool CanReadBack => true;

    /// <summary>
    /// Whether this server is not current in a RabbitMQ stream that it was current in before. A stream that it has never read does not
    /// count: its feeds fail by themselves, or are being opened.
    /// </summary>
    internal bool IsBehind => _streams.Values.Any(stream => stream.Value.IsBehind);

    public async ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
    {
        var stream = StreamOf(feed, retention);
        await stream.OpenAsync(feed.ToString(), tail, cancellationToken);
        return new RabbitMQFeedLog(stream, feed.ToString(), tail);
    }

    public async ValueTask<bool> ExistsAsync(FeedName feed, FeedRetention retention, CancellationToken cancellationToken)
    {
        var name = RabbitMQStreamName.Of(feed, options.Value);
        if (!_streams.ContainsKey(name) && !await IsDeclaredAsync(name, cancellationToken))
        {
            return false;
        }
        var stream = StreamOf(feed, retention);
        await stream.JoinAsync(cancellationToken);
        var page = await stream.ReadAsync(feed.ToString(), stream.OutdatedThrough, maxEntries: 1, maxBytes: 1, cancellationToken);
        return page.Entries.Count > 0;
    }

    // Using it would declare it.
    private async Task<bool> IsDeclaredAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(options.Value.Timeout);
            return await RabbitMQPublisher.ExistsAsync(await broker.WaitAsync(deadline.Token), name, deadline.Token);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw broker.NewUnreachable(exception);
        }
    }

    private RabbitMQStream StreamOf(FeedName feed, FeedRetention retention)
    {
        var name = RabbitMQStreamName.Of(feed, options.Value);
        var stream = _streams.GetOrAdd(name, name => new Lazy<RabbitMQStream>(() =>
        {
            var arguments = RabbitMQStreamName.ArgumentsOf(feed, retention, options.Value);
            return new RabbitMQStream(name, arguments, retention.Age, broker, options.Value, _places, _outboxBytes, time, logger);
        }));
        return stream.Value;
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_streams.Values.Select(stream => stream.Value.DisposeAsync().AsTask()));
    }
}
