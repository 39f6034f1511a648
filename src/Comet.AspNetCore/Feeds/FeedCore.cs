using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>One feed without its type: a log, its tail, and the connections that read it.</summary>
internal sealed class FeedCore : IAsyncDisposable
{
    private const int Retired = -1;

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly IFeedStore _store;
    private readonly FeedRetention _retention;
    private volatile Task<IFeedLog>? _log; // begun at the first use, and anew by the first caller after it has failed
    private FanOut? _fanOut;
    private int _users; // or Retired
    private bool _wasUsed; // since the last sweep

    internal FeedCore(FeedName name, FeedOptions options, IFeedStore store, FeedHistory history, ConnectionServices services)
    {
        (Name, Options, Services, History, _store) = (name, options, services, history, store);
        _retention = RetentionOf(options);
        Tail = new FeedTail(
            store.CanReadBack ? FeedTail.NewestOf(_retention) : _retention, services.Clock.Time, isWholeLog: !store.CanReadBack);
    }

    internal static FeedRetention RetentionOf(FeedOptions options) => new(options.Retain, options.RetainBytes, options.RetainFor);

    internal FeedName Name { get; }

    /// <summary>The name without the key, for metrics and spans: keys would be too many there, and may be personal.</summary>
    internal string Family => Name.Family;

    internal FeedOptions Options { get; }

    internal ConnectionServices Services { get; }

    /// <summary>Whether the log is outside the process, so that opening and reading it may take a while.</summary>
    internal bool IsStoreOutside => _store.CanReadBack;

    internal FeedTail Tail { get; }

    internal FeedHistory History { get; }

    /// <summary>Writes to the connections. Made for the first one: most feeds of a large family have none.</summary>
    internal FanOut FanOut => Volatile.Read(ref _fanOut) ?? CreateFanOut();

    /// <summary>The log, opened at first use. All who wait for it share one opening, which goes on when one of them gives up.</summary>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal ValueTask<IFeedLog> OpenAsync(CancellationToken cancellationToken) =>
        !_closing.IsCancellationRequested && _log is { IsCompletedSuccessfully: true } log
            ? new(log.Result)
            : new(OpenSlowAsync(cancellationToken));

    /// <summary>
    /// The position of the newest message as this server knows it. <see cref="FeedPosition.Earliest"/> where the log is not open yet: this
    /// begins to open it.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal FeedPosition Head
    {
        get
        {
            var opening = OpenAsync(CancellationToken.None);
            if (opening.IsCompletedSuccessfully)
            {
                return Tail.State.Head;
            }
            _ = LogFailureAsync(opening.AsTask());
            return FeedPosition.Earliest;
        }
    }

    internal async ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        using var activity = CometActivity.Publish(Family);
        var log = await OpenAsync(cancellationToken);
        if (Tail.CompletedAt is not null)
        {
            throw new FeedCompletedException(Name.ToString());
        }
        var position = await log.AppendAsync(payload, cancellationToken);
        // The tail has everything before the message by now, a completion by anybody else too.
        if (Tail.CompletedAt is { } end && end.Epoch == position.Epoch && end.Offset < position.Offset)
        {
            throw new FeedCompletedException(Name.ToString());
        }
        Services.Metrics.Published(Family);
        return position;
    }

    /// <summary>Appends the last entry, unless there is one.</summary>
    internal async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        var log = await OpenAsync(cancellationToken);
        if (Tail.CompletedAt is null)
        {
            await log.AppendAsync(ReadOnlyMemory<byte>.Empty, cancellationToken);
        }
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
                _wasUsed = true;
                return true;
            }
            users = seen;
        }
        return false;
    }

    internal void Release() => Interlocked.Decrement(ref _users);

    /// <summary>
    /// Retires a feed that was not used since the last call, unless what it retains is nowhere else. One that stays unused gives back what
    /// its connections needed.
    /// </summary>
    /// <returns>Whether it is retired: it cannot be used any more.</returns>
    internal bool TryRetire()
    {
        Tail.TrimByAge();
        if (_wasUsed || Interlocked.CompareExchange(ref _users, Retired, 0) != 0)
        {
            _wasUsed = Volatile.Read(ref _users) > 0;
            return false;
        }
        if (IsStoreOutside || Tail.IsEmpty)
        {
            return true;
        }
        DropFanOut();
        Volatile.Write(ref _users, 0);
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _fanOut?.Dispose();
        Task<IFeedLog>? opening;
        lock (_lock)
        {
            opening = _log;
        }
        if (opening is null)
        {
            return;
        }
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // those who waited for it were told
        if (opening.IsCompletedSuccessfully)
        {
            await opening.Result.DisposeAsync();
        }
    }

    private FanOut CreateFanOut()
    {
        lock (_lock)
        {
            if (_fanOut is null)
            {
                var fanOut = new FanOut(Family, Tail, Options.WhenSlow, Services, Release, TimeProvider.System);
                Tail.Changed = fanOut.Wake;
                Volatile.Write(ref _fanOut, fanOut);
            }
            return _fanOut;
        }
    }

    private void DropFanOut()
    {
        Tail.Changed = FeedTail.NobodyListens;
        Interlocked.Exchange(ref _fanOut, null)?.Dispose();
    }

    private async Task LogFailureAsync(Task opening)
    {
        try
        {
            await opening;
        }
        catch (Exception exception) when (!_closing.IsCancellationRequested)
        {
            CometLog.FeedNotOpened(Services.Logger, exception, Name.ToString());
        }
        catch (OperationCanceledException)
        {
            // The app has ended.
        }
    }

    private Task<IFeedLog> OpenSlowAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_closing.IsCancellationRequested)
            {
                throw FeedRegistry.Ended(Name);
            }
            if (_log is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _log = _store.OpenAsync(Name, _retention, Tail, _closing.Token).AsTask();
            }
            return _log.WaitAsync(cancellationToken);
        }
    }
}
