using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>One feed without its type: a log, its tail, and the connections that read it.</summary>
internal sealed class FeedCore : IAsyncDisposable
{
    private const int Retired = -1;

    private readonly SemaphoreSlim _opening = new(1);
    private readonly IFeedStore _store;
    private readonly FeedRetention _retention;
    private volatile IFeedLog? _log;
    private int _users; // or Retired

    internal FeedCore(FeedName name, FeedOptions options, IFeedStore store, FeedHistory history, ConnectionServices services)
    {
        (Name, Options, Services, History, _store) = (name, options, services, history, store);
        _retention = new FeedRetention(options.Retain, options.RetainBytes, options.RetainFor);
        Tail = new FeedTail(store.CanReadBack ? FeedTail.NewestOf(_retention) : _retention, services.Clock.Time);
        FanOut = new FanOut(Family, Tail, options.WhenSlow, services, Release, TimeProvider.System);
        Tail.Changed = FanOut.Wake;
    }

    internal FeedName Name { get; }

    /// <summary>The name without the key, for metrics and spans: keys would be too many there, and may be personal.</summary>
    internal string Family => Name.Family;

    internal FeedOptions Options { get; }

    internal ConnectionServices Services { get; }

    /// <summary>Whether the log is outside the process, so that opening and reading it may take a while.</summary>
    internal bool IsStoreOutside => _store.CanReadBack;

    internal FeedTail Tail { get; }

    internal FeedHistory History { get; }

    internal FanOut FanOut { get; }

    /// <summary>The log, opened at first use.</summary>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    internal ValueTask<IFeedLog> OpenAsync(CancellationToken cancellationToken) =>
        _log is { } log ? new(log) : OpenSlowAsync(cancellationToken);

    internal async ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        using var activity = CometActivity.Publish(Family);
        var log = await OpenAsync(cancellationToken);
        var position = await log.AppendAsync(payload, cancellationToken);
        Services.Metrics.Published(Family);
        return position;
    }

    /// <summary>Keeps a feed of a family from being removed while it is used.</summary>
    /// <returns>False: it is being removed, or may be; the registry has, or begins, another.</returns>
    internal bool TryAcquire()
    {
        var users = Volatile.Read(ref _users);
        while (users != Retired)
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

    /// <summary>Retires a feed that is not used and retains nothing.</summary>
    /// <returns>Whether it is retired: it cannot be used any more.</returns>
    internal bool TryRetire()
    {
        Tail.TrimByAge();
        if (!Tail.IsEmpty || Interlocked.CompareExchange(ref _users, Retired, 0) != 0)
        {
            return false;
        }
        if (Tail.IsEmpty)
        {
            return true;
        }
        Volatile.Write(ref _users, 0); // something was published between the two checks
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
