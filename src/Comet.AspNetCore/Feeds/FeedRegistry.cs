using System.Collections.Concurrent;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Feeds;

/// <summary>All feeds of the app by name. Feeds of families come and go; the others stay.</summary>
internal sealed class FeedRegistry : IAsyncDisposable
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<FeedName, FeedCore> _feeds = new();
    private readonly KeptPages _pages = new();
    private readonly IFeedStore _store;
    private readonly MemoryStore _memory;
    private readonly ILogger<FeedRegistry> _logger;
    private readonly Lanes _lanes;
    private readonly ITimer _sweep;
    private volatile bool _isDisposed;

    public FeedRegistry(
        IFeedStore store,
        ConnectionServices services,
        Lanes lanes,
        TimeProvider time,
        ILogger<FeedRegistry> logger)
    {
        (_memory, Services, _lanes, _logger) = (new MemoryStore(time), services, lanes, logger);
        _store = store is MemoryStore ? store : new CheckedStore(store, services.Metrics, logger);
        _sweep = time.CreateTimer(_ => Sweep(), null, SweepPeriod, SweepPeriod);
    }

    /// <summary>What every stream uses.</summary>
    internal ConnectionServices Services { get; }

    internal ILogger Logger => _logger;

    /// <summary>How many feeds there are now.</summary>
    internal int Count => _feeds.Count;

    /// <summary>The feeds that there are now, in no order. Enumerating holds up nobody.</summary>
    internal IEnumerable<FeedCore> Feeds => _feeds.Select(static entry => entry.Value);

    /// <summary>The feed of this name, which begins at its first use, and stays at least until <see cref="FeedCore.Release"/>.</summary>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal FeedCore Acquire(FeedName name, FeedOptions options)
    {
        if (_isDisposed)
        {
            throw Ended(name);
        }
        for (var wait = new SpinWait(); ; wait.SpinOnce())
        {
            var feed = _feeds.GetOrAdd(
                name,
                static (name, state) => state.self.Create(name, state.options),
                (self: this, options));
            if (feed.TryAcquire())
            {
                return feed;
            }
        }
    }

    /// <summary>The feed of this name, if there is one on this server. Begins none, and does not keep it.</summary>
    internal FeedCore? Find(FeedName name) => _feeds.GetValueOrDefault(name);

    /// <summary>Whether a feed of this name has entries, here or in the store. Begins none; one that was only asked for has none.</summary>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal async ValueTask<bool> ExistsAsync(FeedName name, FeedOptions options, CancellationToken cancellationToken)
    {
        if (_isDisposed)
        {
            throw Ended(name);
        }
        try
        {
            return (_feeds.TryGetValue(name, out var feed) && !feed.Tail.IsEmpty)
                || await StoreOf(options).ExistsAsync(name, FeedCore.RetentionOf(options), cancellationToken);
        }
        catch (Exception exception) when (_isDisposed && MayBeFromEnd(exception, cancellationToken))
        {
            throw Ended(name);
        }
    }

    /// <summary>The one exception for whoever uses a feed after the end, whatever its store.</summary>
    internal static ObjectDisposedException Ended(FeedName feed) => new(feed.ToString(), "The app has ended, and its feeds with it.");

    /// <summary>Whether a store may throw this to those whom the end of the app overtakes.</summary>
    internal static bool MayBeFromEnd(Exception exception, CancellationToken cancellationToken) =>
        exception is ObjectDisposedException or FeedUnavailableException
        || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        await _sweep.DisposeAsync();
        await Task.WhenAll(_feeds.Values.Select(feed => CloseAsync(feed)));
    }

    private FeedCore Create(FeedName name, FeedOptions options) =>
        new(name, options, StoreOf(options), _pages, Services, _lanes);

    private IFeedStore StoreOf(FeedOptions options) => options.InMemory ? _memory : _store;

    private void Sweep()
    {
        _pages.Clear(); // as often as retention by age is applied, so that no entry outlives it by more
        foreach (var (name, feed) in _feeds)
        {
            if (feed.TryRetire() && _feeds.TryRemove(new(name, feed)))
            {
                _ = CloseAsync(feed);
            }
        }
    }

    private async Task CloseAsync(FeedCore feed)
    {
        try
        {
            await feed.DisposeAsync();
        }
        catch (Exception exception)
        {
            CometLog.FeedCloseFailed(_logger, exception, feed.Name.ToString());
        }
    }
}
