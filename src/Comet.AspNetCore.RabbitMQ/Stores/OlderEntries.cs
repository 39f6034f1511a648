using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Diagnostics;
using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>The entries of a RabbitMQ stream that are not in memory: read for those who need them, and to fill the memory.</summary>
internal sealed class OlderEntries
{
    /// <summary>A page, and the reading of a part, may take this many times <see cref="RabbitMQStoreOptions.Timeout"/>.</summary>
    internal const int TimeoutFactor = 6;

    /// <summary>Who needs nothing further back than this many messages is near the end.</summary>
    private const long NearMessages = 8 * LogPart.MaxMessages;

    private readonly string _stream;
    private readonly RabbitMQStreamView _view;
    private readonly RabbitMQConnection _broker;
    private readonly RabbitMQStoreOptions _options;
    private readonly ScanPlaces _places;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationToken _stopping;
    private readonly OlderReads _near;
    private readonly OlderReads _far;
    private volatile ushort _prefetch = ScanPrefetch.Unknown; // by the messages that were read last

    internal OlderEntries(
        string stream,
        RabbitMQStreamView view,
        RabbitMQConnection broker,
        RabbitMQStoreOptions options,
        ScanPlaces places,
        TimeProvider time,
        ILogger logger,
        CancellationToken stopping)
    {
        (_stream, _view, _broker, _options, _places) = (stream, view, broker, options, places);
        (_time, _logger, _stopping) = (time, logger, stopping);
        var (nearReader, farReader) = (NewReader(), NewReader());
        _near = new OlderReads(view, scan => ScanAsync(scan, nearReader, places.Near));
        _far = new OlderReads(view, scan => ScanAsync(scan, farReader, places.Far));
    }

    private TimeSpan PartTimeout => _options.Timeout * TimeoutFactor;

    /// <summary>Whether who needs what lies above an offset needs nothing far back.</summary>
    internal static bool IsNear(MemoryPage memory, long after) => memory.Start - after <= NearMessages;

    /// <summary>Reads a part of what a reader needs.</summary>
    /// <param name="memory">What memory has of it.</param>
    /// <param name="reader">The reader.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null: memory may have the answer by now.</returns>
    /// <exception cref="FeedUnavailableException">The broker is unavailable, or too many wait.</exception>
    internal async Task<OlderPage?> ReadAsync(
        MemoryPage memory, OlderRead reader, TimeSpan timeout, CancellationToken cancellationToken)
    {
        (IsNear(memory, reader.After) ? _near : _far).Add(reader);
        try
        {
            return await reader.Page.WaitAsync(timeout, _time, cancellationToken);
        }
        catch (TimeoutException exception)
        {
            throw new FeedUnavailableException(
                $"Reading the RabbitMQ stream {_stream} for old messages of a feed took too long. It goes on from there when the client "
                + "comes again. More Comet:RabbitMQ:Partitions or more Comet:RabbitMQ:RecentBytes help.",
                exception);
        }
        finally
        {
            reader.Abandon();
        }
    }

    /// <summary>
    /// Reads into memory what fits in beside the newest entries, part by part backwards: a server joins close to the end, so that it is
    /// soon ready, and then does this.
    /// </summary>
    internal async Task FillAsync()
    {
        try
        {
            var (reader, most) = (NewReader(), LogPart.MaxMessages);
            while (_view.FindFitting(most) is var (epoch, after, through) && after < through)
            {
                var scan = new LogScan(epoch, after, through, readers: [], keepsEntries: true);
                await ScanAsync(scan, reader, _places.Far);
                if (_view.TryFill(epoch, scan.Part, scan.Entries, scan.TrimmedThrough))
                {
                    continue;
                }
                _view.Learn(epoch, scan.Part, scan.TrimmedThrough);
                if (scan.Reached >= through)
                {
                    return; // it does not fit, as it is larger than what is there
                }
                most /= 2; // it was too much for one part
            }
        }
        catch (FeedUnavailableException) when (_stopping.IsCancellationRequested)
        {
            // The app ends.
        }
        catch (FeedUnavailableException exception)
        {
            RabbitMQLogMessages.FillFailed(_logger, exception, _stream);
        }
    }

    private RabbitMQLogReader NewReader() => new(
        (from, to, cancellation) =>
            RabbitMQStreamReader.ReadAsync(_broker.Get(), _stream, from, to, _prefetch, _options.Timeout, cancellation),
        async cancellation => (await RabbitMQStreamReader.FirstAsync(_broker.Get(), _stream, _options.Timeout, cancellation)).Offset);

    private async Task ScanAsync(LogScan scan, RabbitMQLogReader reader, SemaphoreSlim places)
    {
        try
        {
            await places.WaitAsync(_stopping);
            try
            {
                RabbitMQLogMessages.StreamScanned(_logger, _stream, scan.After, scan.Through);
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping);
                deadline.CancelAfter(PartTimeout);
                await reader.ReadAsync(scan, deadline.Token);
                _prefetch = scan.Part.AveragePayload is { } payload ? ScanPrefetch.For(payload, scan.Part.Messages) : _prefetch;
            }
            finally
            {
                places.Release();
            }
        }
        catch (Exception exception) when (exception is not FeedUnavailableException)
        {
            throw _broker.NewUnreachable(exception);
        }
    }
}
