using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Messages;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// Follows a RabbitMQ stream over one connection: reads what comes, publishes what is in the outbox, and watches that it comes back.
/// Whatever of these fails ends the reading.
/// </summary>
internal sealed class FollowSession : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly RabbitMQPublisher _publisher;
    private readonly RabbitMQConsumer _consumer;
    private readonly RabbitMQStreamView _view;
    private readonly Outbox _outbox;
    private readonly RabbitMQConnection _broker;
    private readonly SilenceWatch _watch;
    private readonly CancellationToken _stopping;
    private readonly CancellationTokenSource _ended;
    private Task _writing = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;

    internal FollowSession(
        IConnection connection,
        RabbitMQPublisher publisher,
        RabbitMQConsumer consumer,
        RabbitMQStreamView view,
        Outbox outbox,
        RabbitMQConnection broker,
        TimeSpan timeout,
        TimeProvider time,
        CancellationToken stopping)
    {
        (_connection, _publisher, _consumer, _view, _outbox, _broker) = (connection, publisher, consumer, view, outbox, broker);
        _watch = new SilenceWatch(outbox, broker, timeout, time);
        _stopping = stopping;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _ = publisher.Failed.ContinueWith(
            failed => consumer.End(failed.Result),
            _ended.Token,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Reads the next messages. They count as a sign of life.</summary>
    /// <inheritdoc cref="RabbitMQConsumer.ReadAsync"/>
    internal async Task<List<RabbitMQMessage>> ReadAsync(TimeSpan timeout)
    {
        var messages = await _consumer.ReadAsync(timeout, _stopping);
        _watch.RecordRead();
        return messages;
    }

    /// <summary>Begins to publish what is in the outbox, once this server is current.</summary>
    internal void Publish() => (_writing, _watching) = (WriteAsync(), WatchAsync());

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _writing;
        await _watching;
        _ended.Dispose();
    }

    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                while (_view.Position is { } position && _outbox.Next(position.Epoch, position.Offset - 1) is { } message)
                {
                    await _publisher.PublishAsync(message, _ended.Token);
                }
                await _outbox.WaitAsync(_ended.Token);
            }
        }
        catch (Exception exception)
        {
            _consumer.End(exception); // the loop that reads ends the session, whatever the reason
        }
    }

    private async Task WatchAsync()
    {
        try
        {
            await _watch.RunAsync(_ended.Token);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        const string Reason = "RabbitMQ does not deliver what this server has published.";
        _consumer.End(new TimeoutException(Reason));
        _broker.Abandon(_connection, Reason);
    }
}
