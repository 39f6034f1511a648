using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Diagnostics;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// Reads a RabbitMQ stream for this server for as long as the app runs, and publishes to it. Each session finds where to start, verifies
/// that the stream continues there, joins the other servers at the end of the log, and follows it until the connection ends.
/// </summary>
internal sealed class RabbitMQStreamFollower(
    string stream,
    Dictionary<string, object?> arguments,
    RabbitMQStreamView view,
    Outbox outbox,
    RabbitMQConnection broker,
    RabbitMQStoreOptions options,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>How many messages before the end a server begins to read when it joins; more, when these do not tell the epoch.</summary>
    private const long HeadStart = 2 * Outbox.FarBehind;

    private const ushort Prefetch = 2000;

    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FollowedLog _log = new(stream, view, outbox, logger);
    private IConnection? _connection;
    private long _headStart = HeadStart;
    private volatile bool _isCurrent;

    /// <summary>Whether it has read everything that was stored when it connected, and is still connected.</summary>
    internal bool IsCurrent => _isCurrent;

    /// <summary>Completes when it is current for the first time.</summary>
    internal Task Joined => _joined.Task;

    internal async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var connection = await broker.WaitAsync(stopping);
                if (connection != _connection)
                {
                    // It may lead to another node, or to one that was started with other settings.
                    (_connection, outbox.MaxBytes) = (connection, RabbitMQAddress.MaxMessageBytes);
                }
                await FollowAsync(connection, stopping);
                continue;
            }
            catch (MessageRefusedException refused)
            {
                RabbitMQLogMessages.MessageRefused(logger, stream, refused.Message);
                outbox.RecordRefusal(refused.Message, refused.MaxBytes);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // No failure is final: the broker may come back, and an operator may repair the RabbitMQ stream.
                RabbitMQLogMessages.StreamInterrupted(logger, exception, stream);
            }
            finally
            {
                _isCurrent = false;
            }
            await RetryDelay.WaitAsync(stopping);
        }
    }

    // Returns when it has to be called again at once.
    private async Task FollowAsync(IConnection connection, CancellationToken stopping)
    {
        await using var publisher = await RabbitMQPublisher.OpenAsync(connection, stream, arguments, stopping);
        var start = await FindStartAsync(connection, publisher, stopping);
        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, start.From, Prefetch, stopping);
        await using var session = new FollowSession(connection, publisher, consumer, view, outbox, broker, options.Timeout, time, stopping);
        ReadMessages readOlder = (from, to) =>
            RabbitMQStreamReader.ReadAsync(connection, stream, from, to, ScanPrefetch.Most, options.Timeout, stopping);

        var first = await session.ReadAsync(options.Timeout);
        if (!Verify(first, start) || !await JoinAsync(session, publisher, start, first, readOlder, stopping))
        {
            return;
        }
        if (start.IsNew)
        {
            // A server that begins to read close to the end learns the epoch from this marker.
            await publisher.PublishAsync(outbox.Mark(_log.Epoch, _log.Last!.Value.Offset, time.GetUtcNow()), stopping);
        }
        RabbitMQLogMessages.StreamFollowed(logger, stream, start.From, _log.Epoch!);
        (_isCurrent, _headStart) = (true, HeadStart);
        _joined.TrySetResult();
        session.Publish();
        try
        {
            while (true)
            {
                await TakeAsync(await session.ReadAsync(Timeout.InfiniteTimeSpan), readOlder);
            }
        }
        finally
        {
            _isCurrent = false;
        }
    }

    // Finds the end of the stream, and from there the place where reading begins or goes on.
    private async Task<Start> FindStartAsync(IConnection connection, RabbitMQPublisher publisher, CancellationToken stopping)
    {
        var marker = outbox.Mark(_log.Epoch, _log.Last?.Offset ?? -1, time.GetUtcNow());
        // The node may lag behind the one that was read from before. When it has the marker, it has everything that was stored before that.
        var end = await RabbitMQStreamReader
            .EndAsync(connection, stream, () => publisher.PublishFirstAsync(marker, options.Timeout, stopping), options.Timeout, stopping)
            .OffsetOfAsync(marker.Id);
        if (_log.Last is { } left && end <= left.Offset)
        {
            _log.RecordLoss(Loss.Truncated);
        }
        if (_log.Last is { } last)
        {
            return new Start(marker.Id, last.Offset, Oldest: 0, IsNew: false);
        }
        var oldest = (await RabbitMQStreamReader.FirstAsync(connection, stream, options.Timeout, stopping)).Offset;
        return new Start(marker.Id, Math.Max(oldest, end - _headStart), oldest, IsNew: true);
    }

    // Makes sure that the stream continues where this server has stopped reading: the last message that it has read comes first, and is
    // taken off. False: it does not continue, so reading begins anew.
    private bool Verify(List<RabbitMQMessage> first, in Start start)
    {
        if (start.IsNew)
        {
            _log.BeginAt(first[0].Offset);
            return true;
        }
        if (_log.Last != (first[0].Offset, first[0].Id))
        {
            _log.RecordLoss(first[0].Offset > _log.Last!.Value.Offset ? Loss.Overtaken : Loss.Truncated);
            return false;
        }
        first.RemoveAt(0);
        return true;
    }

    // Reads up to the marker, and until an epoch is current. False: reading has to begin earlier.
    private async Task<bool> JoinAsync(
        FollowSession session,
        RabbitMQPublisher publisher,
        Start start,
        List<RabbitMQMessage> messages,
        ReadMessages readOlder,
        CancellationToken stopping)
    {
        var (isMarkerRead, hasBegun) = (false, false);
        while (true)
        {
            await TakeAsync(messages, readOlder);
            isMarkerRead |= messages.Exists(message => message.Id == start.Marker);
            if (isMarkerRead && !_log.IsEpochKnown && start.From > start.Oldest)
            {
                // These messages do not tell the epoch, as their publishers had read none of them. Older ones tell it.
                _log.Forget();
                _headStart *= 2;
                return false;
            }
            if (isMarkerRead && !_log.NeedsEpoch)
            {
                return true;
            }
            if (isMarkerRead && !hasBegun)
            {
                hasBegun = true;
                await BeginEpochAsync(publisher, stopping);
            }
            messages = await session.ReadAsync(options.Timeout);
        }
    }

    private async Task TakeAsync(List<RabbitMQMessage> messages, ReadMessages readOlder)
    {
        foreach (var message in messages)
        {
            await _log.AddAsync(message, readOlder);
        }
        _log.Deliver();
    }

    private async Task BeginEpochAsync(RabbitMQPublisher publisher, CancellationToken stopping)
    {
        // When no message that is kept tells the epoch, the history is lost, and the feed begins anew.
        var epoch = _log.IsEpochKnown ? _log.Epoch : RabbitMQMessage.AnyEpoch;
        await publisher.PublishAsync(outbox.Mark(epoch, _log.Last!.Value.Offset, time.GetUtcNow(), begins: true), stopping);
    }

    /// <summary>Where a session begins to read.</summary>
    /// <param name="Marker">A message of this session, behind everything that was stored before.</param>
    /// <param name="From">The offset of the first message.</param>
    /// <param name="Oldest">The oldest offset from which it could begin.</param>
    /// <param name="IsNew">Whether it begins anew, rather than after the last message that was read.</param>
    private readonly record struct Start(MessageId Marker, long From, long Oldest, bool IsNew);
}
