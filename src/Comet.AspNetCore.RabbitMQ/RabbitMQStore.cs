using System.Collections.Concurrent;
using Comet.AspNetCore.RabbitMQ.Connecting;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ;

/// <summary>Logs in RabbitMQ streams: one stream per feed, a few per family.</summary>
internal sealed class RabbitMQStore(
    BrokerConnection broker,
    IOptions<RabbitMQStoreOptions> options,
    TimeProvider time,
    ILogger<RabbitMQStore> logger) : IFeedStore, IAsyncDisposable
{
    private const int MaxScans = 4;

    private readonly ConcurrentDictionary<string, Lazy<SharedStream>> _streams = new();
    private readonly SemaphoreSlim _scans = new(MaxScans);

    public bool CanReadBack => true;

    /// <summary>
    /// Whether this server has to catch up with a stream. One that it has never joined is not counted: it fails for itself, or begins to be used.
    /// </summary>
    internal bool IsBehind => _streams.Values.Any(stream => stream.Value.IsBehind);

    public async ValueTask<IFeedLog> OpenAsync(FeedName feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
    {
        var name = StreamName.Of(feed, options.Value);
        var stream = _streams.GetOrAdd(name, name => new Lazy<SharedStream>(() =>
            new SharedStream(name, StreamName.ArgumentsOf(feed, retention, options.Value), broker, options.Value, _scans, time, logger)));
        return await stream.Value.OpenAsync(feed.ToString(), retention, tail, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_streams.Values.Select(stream => stream.Value.DisposeAsync().AsTask()));
    }
}
