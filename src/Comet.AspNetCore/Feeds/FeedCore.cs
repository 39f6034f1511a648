using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>One feed without its type: a log, its tail, and the connections that read it.</summary>
internal sealed class FeedCore : IAsyncDisposable
{
    private readonly SemaphoreSlim _opening = new(1);
    private readonly IFeedStore _store;
    private readonly FeedRetention _retention;
    private volatile IFeedLog? _log;
    private int _users;

    internal FeedCore(string name, FeedOptions options, IFeedStore store, CometOptions server, ConnectionServices streams)
    {
        (Name, Options, Streams, _store) = (name, options, streams, store);
        _retention = new FeedRetention(options.Retain, options.RetainBytes, options.RetainFor);
        Tail = new FeedTail(store.CanReadBack ? FeedTail.NewestOf(_retention) : _retention, streams.Lifetime.Clock.Time);
        Family = name.Split('/')[0];
        FanOut = new FanOut(Family, Tail, options.WhenSlow, server.WriteTimeout, streams.Lifetime, streams.Metrics, Release, TimeProvider.System);
        Tail.Changed = FanOut.Wake;
    }

    internal string Name { get; }

    /// <summary>The name without a key, for metrics and spans: keys are too many to be told apart there, and may be personal.</summary>
    internal string Family { get; }

    internal FeedOptions Options { get; }

    internal ConnectionServices Streams { get; }

    /// <summary>Whether the log is somewhere else, so that opening and reading it may take a while.</summary>
    internal bool IsStoreFar => _store.CanReadBack;

    internal FeedTail Tail { get; }

    internal FanOut FanOut { get; }

    /// <summary>The log, opened at first use.</summary>
    /// <exception cref="FeedUnavailableException">The store is not to be reached.</exception>
    internal ValueTask<IFeedLog> OpenAsync(CancellationToken cancellationToken) =>
        _log is { } log ? new(log) : OpenSlowAsync(cancellationToken);

    internal async ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        using var activity = CometActivity.Publish(Family);
        var log = await OpenAsync(cancellationToken);
        var position = await log.AppendAsync(payload, cancellationToken);
        Streams.Metrics.Published(Family);
        return position;
    }

    /// <summary>Keeps a feed of a family from being removed while it is used. False: it is being removed, or may be; get it anew.</summary>
    internal bool TryAcquire()
    {
        var users = Volatile.Read(ref _users);
        while (users >= 0)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }
            users = seen;
        }
        return false;
    }

    internal void Release() => Interlocked.Decrement(ref _users);

    /// <summary>Whether nobody uses it and nothing is retained; from then on it cannot be used.</summary>
    internal bool TryRetire()
    {
        Tail.TrimByAge();
        if (!Tail.IsEmpty || Interlocked.CompareExchange(ref _users, -1, 0) != 0)
        {
            return false;
        }
        if (Tail.IsEmpty)
        {
            return true;
        }
        Volatile.Write(ref _users, 0); // somebody published, and was done, in between
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        _opening.Dispose();
        FanOut.Dispose();
        if (_log is { } log)
        {
            await log.DisposeAsync();
        }
    }

    private async ValueTask<IFeedLog> OpenSlowAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            return _log ??= await _store.OpenAsync(Name, _retention, Tail, cancellationToken);
        }
        finally
        {
            _opening.Release();
        }
    }
}
