using System.Collections.Concurrent;
using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>Logs in RabbitMQ streams: one stream per feed, a few per family.</summary>
internal sealed class RabbitMQStore(
    RabbitMQConnection broker,
    IOptions<RabbitMQStoreOptions> options,
    TimeProvider time,
    ILogger<RabbitMQStore> logger) : IFeedStore, IAsyncDisposable
{
    private const int MaxScans = 4;

    private readonly ConcurrentDictionary<string, Lazy<RabbitMQStream>> _streams = new();
    private readonly SemaphoreSlim _scans = new(MaxScans);

    public bool CanReadBack => true;

    /// <summary>
    /// Whether this server has to catch up with a stream. One that it has never joined is not counted: it fails for itself, or begins to be used.
    /// </summary>
    internal bool IsBehind => _streams.Values.Any(stream => stream.Value.IsBehind);

    public async ValueTask<IFeedLog> OpenAsync(string feed, FeedRetention retention, IFeedTail tail, CancellationToken cancellationToken)
    {
        var name = RabbitMQStreamName.Of(feed, options.Value);
        var stream = _streams.GetOrAdd(name, name => new Lazy<RabbitMQStream>(() =>
            new RabbitMQStream(name, RabbitMQStreamName.ArgumentsOf(feed, retention, options.Value), broker, options.Value, _scans, time, logger)));
        return await stream.Value.OpenAsync(feed, retention, tail, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_streams.Values.Select(stream => stream.Value.DisposeAsync().AsTask()));
    }
}
