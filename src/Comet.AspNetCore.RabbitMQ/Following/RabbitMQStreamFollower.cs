using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Diagnostics;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.Stores;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>In what way a stream is not as it was left.</summary>
internal enum Loss
{
    None,

    /// <summary>The messages that follow were removed by retention before they were read.</summary>
    Overtaken,

    /// <summary>What was read is not there, or something else is: the stream was deleted, or its end was lost.</summary>
    Truncated,
}

/// <summary>
/// Reads a stream for this server, message by message, for as long as the app runs, and publishes to it. After every interruption it goes
/// on after the last message it has read, once it has made sure that this one is still there.
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
    /// <summary>How many messages before the end a server begins that joins, if they tell it enough.</summary>
    private const long HeadStart = 2 * Outbox.FarBehind;

    private const ushort Prefetch = 2000;

    private readonly TaskCompletionSource _joined = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<(string Feed, FeedEntry Entry)> _read = [];
    private readonly List<(long Sequence, Verdict Verdict, FeedPosition Position)> _ours = [];
    private LogRules _rules = new(0);
    private (long Offset, MessageId Id)? _last;
    private Loss _loss;
    private long _headStart = HeadStart;
    private volatile bool _isCurrent;

    /// <summary>Whether it has read everything there was when it came, and reads on.</summary>
    internal bool IsCurrent => _isCurrent;

    /// <summary>Completes when it has become current for the first time.</summary>
    internal Task Joined => _joined.Task;

    internal async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var connection = await broker.WaitAsync(stopping);
                await FollowAsync(connection, stopping);
                continue;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Whatever it is, going on trying is all that can be done here.
                RabbitMQLogMessages.StreamInterrupted(logger, exception, stream);
            }
            finally
            {
                _isCurrent = false;
            }
            await RetryDelay.WaitAsync(stopping);
        }
    }

    // Returns when it has to begin anew at once.
    private async Task FollowAsync(IConnection connection, CancellationToken stopping)
    {
        await using var publisher = await RabbitMQPublisher.OpenAsync(connection, stream, arguments, stopping);
        var marker = outbox.Mark(_rules.Epoch, _last?.Offset ?? -1, time.GetUtcNow());
        // This node may lag behind the one that was read from before. Having the marker, it has everything that was stored by then.
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
        _ = publisher.Failed.ContinueWith(failed => consumer.End(failed.Result), session.Token, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
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
                    // Those who published all this had not read any of it by then; what is older tells more.
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
                    // Whoever begins in the middle of the stream learns the epoch from this.
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
        RabbitMQLogMessages.StreamLost(logger, stream, _last!.Value.Offset, loss.ToString());
        (_last, _loss) = (null, loss);
        if (loss == Loss.Overtaken)
        {
            outbox.GiveUp();
        }
    }

    private async Task ProcessAsync(IConnection connection, RabbitMQMessage message, CancellationToken stopping)
    {
        if (!_rules.CanJudge(message))
        {
            await foreach (var older in RabbitMQStreamReader.ReadAsync(connection, stream, message.Floor + 1, _rules.KnownFrom, options.Timeout, stopping))
            {
                _rules.Learn(older.Id);
            }
            _rules.LearntFrom(message.Floor + 1);
        }
        var epoch = _rules.Epoch;
        var verdict = _rules.Judge(message);
        if (_rules.Epoch != epoch)
        {
            EnterEpoch(message);
        }
        _last = (message.Offset, message.Id);
        // Ids count from 1.
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

    // The epoch that is in force from this message on was begun, or has become known.
    private void EnterEpoch(RabbitMQMessage message)
    {
        if (_loss == Loss.Truncated && view.Position?.Epoch == _rules.Epoch)
        {
            return; // its ids stand for other messages now, so another one has to begin
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
            outbox.Read(sequence, verdict, position);
        }
        _ours.Clear();
    }

    private async Task BeginEpochAsync(RabbitMQPublisher publisher, CancellationToken stopping)
    {
        // When nothing that is kept tells the epoch, the history is lost, but not the feed.
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
            consumer.End(exception); // that is where the session ends, with all its reasons
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
        const string Reason = "What this server has published is not to be read.";
        consumer.End(new TimeoutException(Reason));
        broker.Abandon(connection, Reason);
    }
}
