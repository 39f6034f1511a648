using System.Threading.Channels;
using Comet.AspNetCore.RabbitMQ.Connections;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>Reads a RabbitMQ stream from an offset on, in batches, over a channel of its own.</summary>
internal sealed class RabbitMQConsumer : AsyncDefaultBasicConsumer, IAsyncDisposable
{
    private readonly Channel<(RabbitMQMessage Message, ulong Tag)> _received =
        System.Threading.Channels.Channel.CreateUnbounded<(RabbitMQMessage, ulong)>(new UnboundedChannelOptions { SingleReader = true });

    private RabbitMQConsumer(IChannel channel)
        : base(channel)
    {
    }

    /// <param name="connection">The connection to the broker.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="from">An offset, <c>first</c>, or <c>last</c>: the beginning of the last chunk that was written.</param>
    /// <param name="prefetch">How many messages the broker sends before they are read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<RabbitMQConsumer> OpenAsync(
        IConnection connection,
        string stream,
        object from,
        ushort prefetch,
        CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken).OrCloseAsync(cancellationToken);
        var consumer = new RabbitMQConsumer(channel);
        try
        {
            await channel.BasicQosAsync(0, prefetch, global: false, cancellationToken).WaitAsync(cancellationToken);
            var arguments = new Dictionary<string, object?> { ["x-stream-offset"] = from };
            await channel
                .BasicConsumeAsync(stream, autoAck: false, consumerTag: "", arguments, consumer, cancellationToken)
                .WaitAsync(cancellationToken);
            return consumer;
        }
        catch
        {
            await consumer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits for messages and reads them: 1 to 512.</summary>
    /// <exception cref="TimeoutException">No message came in time.</exception>
    internal async Task<List<RabbitMQMessage>> ReadAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        const int MaxBatch = 512;
        if (!await _received.Reader.WaitToReadAsync(cancellationToken).AsTask().WaitAsync(timeout, cancellationToken))
        {
            throw new IOException("The broker has ended the delivery of messages.");
        }
        var batch = new List<RabbitMQMessage>();
        var last = 0UL;
        while (batch.Count < MaxBatch && _received.Reader.TryRead(out var next))
        {
            batch.Add(next.Message);
            last = next.Tag;
        }
        await Channel.BasicAckAsync(last, multiple: true, cancellationToken);
        return batch;
    }

    /// <summary>Lets reading fail with this reason, after the messages that have already come.</summary>
    internal void End(Exception reason) => _received.Writer.TryComplete(reason);

    public override Task HandleBasicDeliverAsync(
        string consumerTag,
        ulong deliveryTag,
        bool redelivered,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken = default)
    {
        try
        {
            _received.Writer.TryWrite((RabbitMQMessage.Read(properties, body), deliveryTag));
        }
        catch (Exception exception)
        {
            End(exception); // RabbitMQ's client would drop it, and the message with it
        }
        return Task.CompletedTask;
    }

    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        End(new IOException("The broker has cancelled the consumer: the RabbitMQ stream was deleted, or its node is down."));
        return base.HandleBasicCancelAsync(consumerTag, cancellationToken);
    }

    public override Task HandleChannelShutdownAsync(object channel, ShutdownEventArgs reason)
    {
        End(new IOException($"The channel was closed: {reason.ReplyText}"));
        return base.HandleChannelShutdownAsync(channel, reason);
    }

    public async ValueTask DisposeAsync()
    {
        End(new ObjectDisposedException(nameof(RabbitMQConsumer)));
        await Channel.DisposeWithTimeoutAsync();
    }
}
