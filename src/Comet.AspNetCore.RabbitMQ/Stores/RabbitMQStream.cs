using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Diagnostics;
using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>A RabbitMQ stream as this server uses it, for all feeds in it.</summary>
internal sealed class RabbitMQStream : IAsyncDisposable
{
    // How often it is checked whether a position that another server has handed out was read in the meantime.
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    // How often quiet feeds learn how far their log has been read.
    private static readonly TimeSpan AdvancePeriod = TimeSpan.FromSeconds(1);

    private readonly string _name;
    private readonly RabbitMQStreamView _view;
    private readonly Outbox _outbox;
    private readonly RabbitMQStreamFollower _follower;
    private readonly RabbitMQConnection _broker;
    private readonly RabbitMQStoreOptions _options;
    private readonly OlderEntries _older;
    private readonly FeedPages _pages;
    private readonly NewestSearch _newest;
    private readonly ITimer _advancing;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _following;
    private readonly RabbitMQMarkers _markers;
    private readonly DisprovedEpochs _disproved = new();

    internal RabbitMQStream(
        string name,
        Dictionary<string, object?> arguments,
        TimeSpan keptFor,
        RabbitMQConnection broker,
        RabbitMQStoreOptions options,
        ScanPlaces places,
        OutboxBytes bytes,
        TimeProvider time,
        ILogger logger)
    {
        (_name, _broker, _options, _time) = (name, broker, options, time);
        _view = new RabbitMQStreamView(options.RecentBytes, keptFor, time);
        _outbox = new Outbox(bytes, time);
        _markers = new RabbitMQMarkers(() => AppendAsync(null, default, CancellationToken.None).AsTask(), time);
        _follower = new RabbitMQStreamFollower(name, arguments, _view, _outbox, broker, options, time, logger);
        _older = new OlderEntries(name, _view, broker, options, places, time, logger, _stopping.Token);
        _pages = new FeedPages(_view, _older.ReadAsync, options.Timeout * OlderEntries.TimeoutFactor, time);
        _newest = new NewestSearch(_view, _older.ReadAsync, options.Timeout * OlderEntries.TimeoutFactor, time);
        _following = Task.WhenAll(Task.Run(() => _follower.RunAsync(_stopping.Token)), FillAsync());
        _advancing = time.CreateTimer(static view => ((RabbitMQStreamView)view!).Advance(), _view, AdvancePeriod, AdvancePeriod);
    }

    /// <summary>Whether it was current before and is not now.</summary>
    internal bool IsBehind => _follower.Joined.IsCompleted && !_follower.IsCurrent;

    /// <inheritdoc cref="Arrivals.OutdatedThrough"/>
    internal long OutdatedThrough => _view.OutdatedThrough;

    /// <summary>Waits until the stream is read for the first time, and hands the entries of a feed to a tail from then on.</summary>
    /// <exception cref="FeedUnavailableException">The stream was not read in time.</exception>
    internal async Task OpenAsync(string feed, IFeedTail tail, CancellationToken cancellationToken)
    {
        await JoinAsync(cancellationToken);
        _view.Open(feed, tail);
    }

    /// <summary>Waits until the stream is read for the first time.</summary>
    /// <exception cref="FeedUnavailableException">The stream was not read in time.</exception>
    internal async Task JoinAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _follower.Joined.WaitAsync(_options.Timeout, _time, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw _broker.IsOpen
                ? new FeedUnavailableException(
                    $"The RabbitMQ stream {_name} was not read within {_options.Timeout.TotalSeconds} s. The log messages say why.",
                    exception)
                : _broker.NewUnreachable(exception);
        }
    }

    internal void Close(string feed, IFeedTail tail) => _view.Close(feed, tail);

    /// <summary>Appends an entry, or a marker when <paramref name="feed"/> is null, and waits until this server has read it back.</summary>
    /// <exception cref="FeedCompletedException">The feed is completed; a second completion has the position of the first.</exception>
    internal async ValueTask<FeedPosition> AppendAsync(string? feed, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var at = _time.GetUtcNow();
        if (feed is not null && _view.FindCompletion(feed, ref at) is { } completion)
        {
            return payload.IsEmpty ? completion : throw new FeedCompletedException(feed);
        }
        try
        {
            return await _outbox.SendAsync(new PendingAppend(feed, payload, at), _options.Timeout, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw _broker.IsBlocked ? new FeedUnavailableException(RabbitMQConnection.BlockedMessage, exception)
                : _broker.IsOpen ? new FeedUnavailableException(
                    $"RabbitMQ did not confirm the message within {_options.Timeout.TotalSeconds} s. It may be stored all the same.",
                    exception)
                : _broker.NewUnreachable(exception);
        }
    }

    /// <summary>Reads a page of what belongs to a feed and is not too old.</summary>
    /// <inheritdoc cref="FeedPages.ReadAsync"/>
    internal async ValueTask<FeedLogPage> ReadAsync(
        string feed, long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
    {
        var trimmedThrough = 0L;
        while (true)
        {
            var page = await _pages.ReadAsync(feed, after, maxEntries, maxBytes, cancellationToken);
            // RabbitMQ removes whole segments, so it may still have entries that are too old.
            var outdated = _view.OutdatedThrough;
            var removed = page.Entries.LastOrDefault(entry => entry.Offset <= outdated).Offset;
            var kept = _view.Clean(feed, page with { Entries = [.. page.Entries.SkipWhile(entry => entry.Offset <= outdated)] });
            trimmedThrough = Math.Max(trimmedThrough, Math.Max(kept.TrimmedThrough, removed));
            if (kept.Entries.Count > 0 || page.Entries.Count == 0)
            {
                return kept with { TrimmedThrough = trimmedThrough };
            }
            after = page.Entries[^1].Offset;
        }
    }

    /// <inheritdoc cref="NewestSearch.FindAsync"/>
    internal Task<FeedPosition> FindNewestAsync(string feed, int count, CancellationToken cancellationToken) =>
        _newest.FindAsync(feed, count, cancellationToken);

    /// <summary>Waits until this server has read up to a position that another server may have handed out.</summary>
    /// <returns>False: the stream has no such position.</returns>
    internal async ValueTask<bool> ReachAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        if (HasReached())
        {
            return true;
        }
        if (!MessageId.IsEpoch(position.Epoch) || _disproved.Contains(position.Epoch))
        {
            return false;
        }
        var marking = _markers.NextAsync();
        while (!marking.IsCompleted)
        {
            await Task.WhenAny(marking, Task.Delay(PollInterval, _time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
            if (HasReached())
            {
                return true;
            }
        }
        var marker = await marking;
        // The marker's own position does not count. Otherwise a client could ask for the next position again and again, and each marker
        // would make that position exist.
        if (marker.Epoch == position.Epoch && marker.Offset > position.Offset)
        {
            _markers.ResetDelay();
        }
        if (marker.Epoch != position.Epoch)
        {
            _disproved.Add(position.Epoch);
        }
        return HasReached();

        bool HasReached() => _view.Position is { } reached && reached.Epoch == position.Epoch && reached.Offset >= position.Offset;
    }

    public async ValueTask DisposeAsync()
    {
        await _advancing.DisposeAsync();
        await _stopping.CancelAsync();
        _outbox.End();
        await _following;
    }

    private async Task FillAsync()
    {
        try
        {
            await _follower.Joined.WaitAsync(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        await _older.FillAsync();
    }
}
