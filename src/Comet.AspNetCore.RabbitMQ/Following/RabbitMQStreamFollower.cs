using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Diagnostics;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>Why a RabbitMQ stream does not continue where this server has stopped reading.</summary>
internal enum Loss
{
    None,

    /// <summary>Retention removed messages before this server had read them.</summary>
    Overtaken,

    /// <summary>The last message that was read is not there: the stream was deleted, or has lost its end.</summary>
    Truncated,
}

/// <summary>
/// Reads a RabbitMQ stream for this server for as long as the app runs, and publishes to it. After an interruption it checks that the last
/// message it has read is still there, and continues after that.
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
    private readonly List<(string Feed, FeedEntry Entry)> _read = [];
    private readonly List<(long Sequence, Verdict Verdict, FeedPosition Position)> _ours = [];
    private IConnection? _connection;
    private LogRules _rules = new(0);
    private (long Offset, MessageId Id)? _last;
    private Loss _loss;
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
                continue;
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
        var marker = outbox.Mark(_rules.Epoch, _last?.Offset ?? -1, time.GetUtcNow());
        // The node may lag behind the one that was read from before. When it has the marker, it has everything that was stored before that.
        var end = await RabbitMQStreamReader
            .EndAsync(connection, stream, () => publisher.PublishFirstAsync(marker, options.Timeout, stopping), options.Timeout, stopping)
            .OffsetOfAsync(marker.Id);
        if (_last is { } left && end <= left.Offset)
        {
            RecordLoss(Loss.Truncated);
        }
        var isJoining = _last is null;
        var oldest = isJoining ? (await RabbitMQStreamReader.FirstAsync(connection, stream, options.Timeout, stopping)).Offset : 0;
        var from = _last?.Offset ?? Math.Max(oldest, end - _headStart);

        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, from, Prefetch, stopping);
        using var session = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _ = publisher.Failed.ContinueWith(
            failed => consumer.End(failed.Result),
            session.Token,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        var watch = new SilenceWatch(outbox, broker, options.Timeout, time);
        var (writing, watching) = (Task.CompletedTask, Task.CompletedTask);
        try
        {
            var (isFirst, isMarkerRead, hasBegun) = (true, false, false);
            while (true)
            {
                foreach (var message in await consumer.ReadAsync(_isCurrent ? Timeout.InfiniteTimeSpan : options.Timeout, stopping))
                {
                    if (isFirst && !isJoining)
                    {
                        isFirst = false;
                        if (_last != (message.Offset, message.Id))
                        {
                            RecordLoss(message.Offset > _last!.Value.Offset ? Loss.Overtaken : Loss.Truncated);
                            return;
                        }
                        continue;
                    }
                    if (isFirst)
                    {
                        (isFirst, _rules) = (false, new LogRules(message.Offset));
                    }
                    await ProcessAsync(connection, message, stopping);
                    isMarkerRead |= message.Id == marker.Id;
                }
                Deliver();
                watch.RecordRead();
                if (_isCurrent || !isMarkerRead)
                {
                    continue;
                }
                if (!_rules.IsEpochKnown && from > oldest)
                {
                    // These messages do not tell the epoch, as their publishers had read none of them. Older ones tell it.
                    (_last, _headStart) = (null, _headStart * 2);
                    return;
                }
                if (_rules.Epoch is not { } epoch || _loss != Loss.None)
                {
                    if (!hasBegun)
                    {
                        hasBegun = true;
                        await BeginEpochAsync(publisher, stopping);
                    }
                    continue;
                }
                if (isJoining)
                {
                    // A server that begins to read close to the end learns the epoch from this marker.
                    await publisher.PublishAsync(outbox.Mark(epoch, _last!.Value.Offset, time.GetUtcNow()), stopping);
                }
                RabbitMQLogMessages.StreamFollowed(logger, stream, from, epoch);
                (_isCurrent, _headStart) = (true, HeadStart);
                _joined.TrySetResult();
                writing = WriteAsync(publisher, consumer, session.Token);
                watching = WatchAsync(watch, connection, consumer, session.Token);
            }
        }
        finally
        {
            _isCurrent = false;
            await session.CancelAsync();
            await writing;
            await watching;
        }
    }

    private void RecordLoss(Loss loss)
    {
        RabbitMQLogMessages.StreamLost(logger, stream, _last!.Value.Offset, Describe(loss));
        (_last, _loss) = (null, loss);
        if (loss == Loss.Overtaken)
        {
            outbox.FailSent();
        }
    }

    private static string Describe(Loss loss) => loss == Loss.Overtaken
        ? "retention removed messages before this server had read them"
        : "the last message that this server has read is not there, as the RabbitMQ stream was deleted or has lost its end";

    private async Task ProcessAsync(IConnection connection, RabbitMQMessage message, CancellationToken stopping)
    {
        if (!_rules.CanJudge(message))
        {
            var (from, to) = (message.Floor + 1, _rules.KnownFrom);
            await foreach (var older in RabbitMQStreamReader.ReadAsync(connection, stream, from, to, options.Timeout, stopping))
            {
                _rules.Learn(older.Id);
            }
            _rules.LearntFrom(from);
        }
        var epoch = _rules.Epoch;
        var verdict = _rules.Judge(message);
        if (_rules.Epoch != epoch)
        {
            EnterEpoch(message);
        }
        _last = (message.Offset, message.Id);
        // Positions count from 1, RabbitMQ from 0.
        var offset = message.Offset + 1;
        if (verdict == Verdict.Accepted && message.Feed is { } feed)
        {
            _read.Add((feed, new FeedEntry(offset, message.Payload, message.At)));
        }
        if (message.Id.Publisher == outbox.Publisher && (verdict != Verdict.Stale || _rules.IsEpochKnown))
        {
            _ours.Add((message.Id.Sequence, verdict, new FeedPosition(_rules.Epoch ?? "", offset)));
        }
    }

    // From this message on another epoch is current, or the current one is known.
    private void EnterEpoch(RabbitMQMessage message)
    {
        if (_loss == Loss.Truncated && view.Position?.Epoch == _rules.Epoch)
        {
            return; // its positions now stand for other messages, so a new epoch has to begin
        }
        Deliver();
        view.Reset(_rules.Epoch!, message.Begins ? 0 : message.Offset, message.Offset);
        _loss = Loss.None;
    }

    private void Deliver()
    {
        if (_loss == Loss.None && view.Position is not null && _last is { } last)
        {
            view.Append(_read, last.Offset + 1);
        }
        _read.Clear();
        foreach (var (sequence, verdict, position) in _ours)
        {
            outbox.RecordRead(sequence, verdict, position);
        }
        _ours.Clear();
    }

    private async Task BeginEpochAsync(RabbitMQPublisher publisher, CancellationToken stopping)
    {
        // When no message that is kept tells the epoch, the history is lost, and the feed begins anew.
        var epoch = _rules.IsEpochKnown ? _rules.Epoch : RabbitMQMessage.AnyEpoch;
        await publisher.PublishAsync(outbox.Mark(epoch, _last!.Value.Offset, time.GetUtcNow(), begins: true), stopping);
    }

    private async Task WriteAsync(RabbitMQPublisher publisher, RabbitMQConsumer consumer, CancellationToken ended)
    {
        try
        {
            while (true)
            {
                while (view.Position is { } position && outbox.Next(position.Epoch, position.Offset - 1) is { } message)
                {
                    await publisher.PublishAsync(message, ended);
                }
                await outbox.WaitAsync(ended);
            }
        }
        catch (Exception exception)
        {
            consumer.End(exception); // the loop that reads ends the session, whatever the reason
        }
    }

    private async Task WatchAsync(SilenceWatch watch, IConnection connection, RabbitMQConsumer consumer, CancellationToken ended)
    {
        try
        {
            await watch.RunAsync(ended);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            return;
        }
        const string Reason = "RabbitMQ does not deliver what this server has published.";
        consumer.End(new TimeoutException(Reason));
        broker.Abandon(connection, Reason);
    }
}
