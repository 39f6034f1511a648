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

    private const string NoFeed = "";

    // Messages that are read into memory at once; one to two seconds.
    private const long FillStep = 30_000;

    /// <summary>Reading old entries may take this many times <see cref="RabbitMQStoreOptions.Timeout"/>.</summary>
    private const int ScanTimeoutFactor = 6;

    private readonly string _name;
    private readonly RabbitMQStreamView _view;
    private readonly Outbox _outbox;
    private readonly RabbitMQStreamFollower _follower;
    private readonly RabbitMQConnection _broker;
    private readonly RabbitMQStoreOptions _options;
    private readonly SemaphoreSlim _scans;
    private readonly OlderReads _olderReads;
    private readonly ITimer _advancing;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _following;
    private readonly RabbitMQMarkers _markers;

    internal RabbitMQStream(
        string name,
        Dictionary<string, object?> arguments,
        RabbitMQConnection broker,
        RabbitMQStoreOptions options,
        SemaphoreSlim scans,
        TimeProvider time,
        ILogger logger)
    {
        (_name, _broker, _options, _scans, _time, _logger) = (name, broker, options, scans, time, logger);
        _view = new RabbitMQStreamView(options.RecentBytes);
        _outbox = new Outbox(time);
        _markers = new RabbitMQMarkers(() => AppendAsync(null, default, CancellationToken.None).AsTask(), time);
        _follower = new RabbitMQStreamFollower(name, arguments, _view, _outbox, broker, options, time, logger);
        _olderReads = new OlderReads(_view, ScanAsync);
        _following = Task.WhenAll(Task.Run(() => _follower.RunAsync(_stopping.Token)), FillAsync());
        _advancing = time.CreateTimer(static view => ((RabbitMQStreamView)view!).Advance(), _view, AdvancePeriod, AdvancePeriod);
    }

    private TimeSpan ScanTimeout => _options.Timeout * ScanTimeoutFactor;

    /// <summary>Whether it was current before and is not now.</summary>
    internal bool IsBehind => _follower.Joined.IsCompleted && !_follower.IsCurrent;

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
    internal async ValueTask<FeedPosition> AppendAsync(string? feed, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        try
        {
            return await _outbox.SendAsync(new PendingAppend(feed, payload, _time.GetUtcNow()), _options.Timeout, cancellationToken);
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

    /// <summary>Reads entries from memory, and from the broker what is older.</summary>
    internal async ValueTask<FeedLogPage> ReadAsync(
        string feed, long after, int maxEntries, long maxBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (epoch, trimmedThrough) = (default(string), 0L);
        var entries = new List<FeedEntry>();
        while (true)
        {
            var (current, trimmed, recent) = _view.Read(feed, after, maxEntries - entries.Count);
            epoch ??= current;
            if (epoch != current)
            {
                return new FeedLogPage(epoch, long.MaxValue, []);
            }
            if (after < trimmed)
            {
                (after, trimmedThrough) = (trimmed, trimmed);
            }
            if (recent is not null)
            {
                foreach (var entry in recent.TakeWhile(_ => maxBytes > 0))
                {
                    entries.Add(entry);
                    maxBytes -= entry.Payload.Length;
                }
                return new FeedLogPage(epoch, trimmedThrough, entries);
            }
            var read = new OlderRead(feed, epoch, after, maxEntries - entries.Count, maxBytes);
            if (await ReadOlderAsync(read, cancellationToken) is not { } older)
            {
                continue;
            }
            (after, trimmedThrough) = (older.Through, Math.Max(trimmedThrough, older.TrimmedThrough));
            entries.AddRange(older.Entries);
            maxBytes -= older.Entries.Sum(entry => (long)entry.Payload.Length);
            if (entries.Count == maxEntries || maxBytes <= 0)
            {
                return new FeedLogPage(epoch, trimmedThrough, entries);
            }
        }
    }

    /// <summary>Waits until this server has read up to a position that another server may have handed out.</summary>
    /// <returns>False: the stream has no such position.</returns>
    internal async ValueTask<bool> ReachAsync(FeedPosition position, CancellationToken cancellationToken)
    {
        if (HasReached())
        {
            return true;
        }
        if (!MessageId.IsEpoch(position.Epoch))
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
        return HasReached();

        bool HasReached() => _view.Position is { } reached && reached.Epoch == position.Epoch && reached.Offset >= position.Offset;
    }

    public async ValueTask DisposeAsync()
    {
        await _advancing.DisposeAsync();
        await _stopping.CancelAsync();
        await _following;
    }

    // Null: memory may have the answer by now.
    private async Task<OlderPage?> ReadOlderAsync(OlderRead reader, CancellationToken cancellationToken)
    {
        _olderReads.Add(reader);
        try
        {
            return await reader.Page.WaitAsync(ScanTimeout, _time, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw new FeedUnavailableException(
                $"The old messages of a feed were not read from the RabbitMQ stream {_name} within {ScanTimeout.TotalSeconds} s. "
                + "A smaller Comet:RabbitMQ:PartitionBytes or a longer Comet:RabbitMQ:Timeout helps.",
                exception);
        }
        finally
        {
            reader.Abandon();
        }
    }

    private async Task<bool> ScanAsync(LogScan scan)
    {
        try
        {
            await _scans.WaitAsync(_stopping.Token);
            try
            {
                return await ReadAsync(scan);
            }
            finally
            {
                _scans.Release();
            }
        }
        catch (Exception exception) when (exception is not FeedUnavailableException)
        {
            throw _broker.NewUnreachable(exception);
        }

        async Task<bool> ReadAsync(LogScan scan)
        {
            RabbitMQLogMessages.StreamScanned(_logger, _name, scan.After, scan.Through);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            deadline.CancelAfter(ScanTimeout);
            var connection = _broker.Get();
            var reader = new RabbitMQLogReader(
                (from, to, cancellation) => RabbitMQStreamReader.ReadAsync(connection, _name, from, to, _options.Timeout, cancellation),
                async cancellation => (await RabbitMQStreamReader.FirstAsync(connection, _name, _options.Timeout, cancellation)).Offset);
            return await reader.ReadAsync(scan, deadline.Token);
        }
    }

    // A server joins close to the end, so that it is soon ready, and then reads what else fits into memory, part by part. Readers who need
    // one of these wait for it.
    private async Task FillAsync()
    {
        try
        {
            await _follower.Joined.WaitAsync(_stopping.Token);
            var filledTo = long.MaxValue;
            while (_view.FindFitting(FillStep) is var (epoch, after, through) && after < through && through < filledTo)
            {
                var fill = new OlderRead(NoFeed, epoch, after, maxEntries: int.MaxValue, maxBytes: long.MaxValue);
                _olderReads.Add(fill);
                await fill.Page.WaitAsync(_stopping.Token);
                filledTo = through;
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The app ends.
        }
        catch (FeedUnavailableException exception)
        {
            RabbitMQLogMessages.FillFailed(_logger, exception, _name);
        }
    }
}
