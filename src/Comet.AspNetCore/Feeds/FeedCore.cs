using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Feeds;

/// <summary>One feed without its type: a log, its tail, and the connections that read it.</summary>
/// <remarks>
/// There is one for every key of a family, so it has only what each of them needs. Its lock is itself: nobody outside has it, and a
/// <see cref="Lock"/> is 40 bytes.
/// </remarks>
internal sealed class FeedCore : IAsyncDisposable
{
    private const int Retired = -1;

    private readonly IFeedStore _store;
    private readonly KeptPages _pages;
    private CancellationTokenSource? _closing; // ends an opening that may take a while
    private Task? _watched; // the opening of which Head logs a failure
    private volatile Task<IFeedLog>? _log; // begun at the first use, and anew by the first caller after it has failed
    private FeedSubscriptions? _subscriptions;
    private EncodedFeedName? _encodedName;
    private FeedHistory? _history;
    private volatile bool _isClosed;
    private int _users; // or Retired
    private bool _wasUsed; // since the last sweep

    internal FeedCore(FeedName name, FeedOptions options, IFeedStore store, KeptPages pages, ConnectionServices services, Lanes lanes)
    {
        (Name, Options, Services, Lanes, _store, _pages) = (name, options, services, lanes, store, pages);
        Tail = new FeedTail(
            store.CanReadBack ? FeedTail.NewestOf(Retention) : Retention, services.Clock.Time, isWholeLog: !store.CanReadBack);
    }

    internal static FeedRetention RetentionOf(FeedOptions options) => new(options.Retain, options.RetainBytes, options.RetainFor);

    internal FeedName Name { get; }

    /// <summary>The name without the key, for metrics and spans: keys would be too many there, and may be personal.</summary>
    internal string Family => Name.Family;

    internal FeedOptions Options { get; }

    /// <summary>The name as the messages of a stream of several feeds have it. Made for the first such stream.</summary>
    internal EncodedFeedName EncodedName => _encodedName ??= new EncodedFeedName(Name);

    internal ConnectionServices Services { get; }

    /// <summary>Whether the log is outside the process, so that opening and reading it may take a while.</summary>
    internal bool IsStoreOutside => _store.CanReadBack;

    /// <summary>The loops that write to connections, of all feeds.</summary>
    internal Lanes Lanes { get; }

    internal FeedTail Tail { get; }

    /// <summary>What the store has. Made for the first reader of it: most feeds of a large family have none.</summary>
    internal FeedHistory History =>
        Volatile.Read(ref _history) ?? LazyInitializer.EnsureInitialized(ref _history, () => new FeedHistory(_pages));

    /// <summary>Who is told of changes. Made for the first connection: most feeds of a large family have none.</summary>
    internal FeedSubscriptions Subscriptions => Volatile.Read(ref _subscriptions) ?? CreateSubscriptions();

    /// <summary>The log, opened at first use. All who wait for it share one opening, which goes on when one of them gives up.</summary>
    /// <exception cref="FeedUnavailableException">The store is unavailable.</exception>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal ValueTask<IFeedLog> OpenAsync(CancellationToken cancellationToken) =>
        !_isClosed && _log is { IsCompletedSuccessfully: true } log
            ? new(log.Result)
            : new(OpenSlowAsync(cancellationToken));

    /// <summary>
    /// The position of the newest message, before a completion, as this server knows it. <see cref="FeedPosition.Earliest"/> where the log
    /// is not open yet: this begins to open it.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal FeedPosition Head
    {
        get
        {
            var opening = OpenAsync(CancellationToken.None);
            if (opening.IsCompletedSuccessfully)
            {
                return Tail.State.LiveHead;
            }
            LogFailureOnce(_log!);
            return FeedPosition.Earliest;
        }
    }

    internal async ValueTask<FeedPosition> AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        using var activity = CometActivity.Publish(Family);
        try
        {
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
        catch (Exception exception) when (IsFromEnd(exception, cancellationToken))
        {
            throw FeedRegistry.Ended(Name);
        }
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

    /// <summary>Waits for the task. One that the end of the app has overtaken fails like one that begins after it.</summary>
    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal async ValueTask UntilEndAsync(ValueTask task, CancellationToken cancellationToken)
    {
        try
        {
            await task;
        }
        catch (Exception exception) when (IsFromEnd(exception, cancellationToken))
        {
            throw FeedRegistry.Ended(Name);
        }
    }

    /// <inheritdoc cref="UntilEndAsync(ValueTask, CancellationToken)"/>
    internal async ValueTask<T> UntilEndAsync<T>(ValueTask<T> task, CancellationToken cancellationToken)
    {
        try
        {
            return await task;
        }
        catch (Exception exception) when (IsFromEnd(exception, cancellationToken))
        {
            throw FeedRegistry.Ended(Name);
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
        Volatile.Write(ref _subscriptions, null); // without connections it has none
        Volatile.Write(ref _users, 0);
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        Task<IFeedLog>? opening;
        lock (this)
        {
            _isClosed = true;
            opening = _log;
        }
        Tail.End();
        if (_closing is not null)
        {
            await _closing.CancelAsync();
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

    /// <exception cref="ObjectDisposedException">The app has ended.</exception>
    internal void ThrowIfEnded()
    {
        if (_isClosed)
        {
            throw FeedRegistry.Ended(Name);
        }
    }

    private FeedRetention Retention => RetentionOf(Options);

    private bool IsFromEnd(Exception exception, CancellationToken cancellationToken) =>
        _isClosed && FeedRegistry.MayBeFromEnd(exception, cancellationToken);

    private FeedSubscriptions CreateSubscriptions()
    {
        lock (this)
        {
            return _subscriptions ??= new FeedSubscriptions(Tail);
        }
    }

    // Each opening, whoever else asks meanwhile.
    private void LogFailureOnce(Task opening)
    {
        if (Interlocked.Exchange(ref _watched, opening) != opening)
        {
            _ = LogFailureAsync(opening);
        }
    }

    private async Task LogFailureAsync(Task opening)
    {
        try
        {
            await opening;
        }
        catch (Exception exception) when (!_isClosed)
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
        lock (this)
        {
            ThrowIfEnded();
            if (_log is null or { IsFaulted: true } or { IsCanceled: true })
            {
                if (IsStoreOutside)
                {
                    _closing ??= new CancellationTokenSource();
                }
                // Returns at once, so that the lock holds nobody up: see CheckedStore.
                _log = _store.OpenAsync(Name, Retention, Tail, _closing?.Token ?? CancellationToken.None).AsTask();
            }
            return _log.WaitAsync(cancellationToken);
        }
    }
}
