using System.Threading.Channels;
using Comet.AspNetCore.RabbitMQ.Connections;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>Reads a stream from an offset on, in batches; has a channel of its own.</summary>
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
    /// <param name="from">An offset, or <c>first</c>, or <c>last</c>: the beginning of the last chunk that was written.</param>
    /// <param name="ahead">How many messages may be on their way or waiting here.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<RabbitMQConsumer> OpenAsync(
        IConnection connection,
        string stream,
        object from,
        ushort ahead,
        CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var consumer = new RabbitMQConsumer(channel);
        try
        {
            await channel.BasicQosAsync(0, ahead, global: false, cancellationToken);
            var arguments = new Dictionary<string, object?> { ["x-stream-offset"] = from };
            await channel.BasicConsumeAsync(stream, autoAck: false, consumerTag: "", arguments, consumer, cancellationToken);
            return consumer;
        }
        catch
        {
            await consumer.DisposeAsync();
            throw;
        }
    }

    /// <summary>What has come, at least one message.</summary>
    /// <exception cref="TimeoutException">Nothing came.</exception>
    internal async Task<List<RabbitMQMessage>> ReadAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        const int MaxBatch = 512;
        if (!await _received.Reader.WaitToReadAsync(cancellationToken).AsTask().WaitAsync(patience, cancellationToken))
        {
            throw new IOException("The broker has ended the delivery.");
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

    /// <summary>Ends the reading, after what has come already.</summary>
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
        catch (InvalidDataException exception)
        {
            End(exception);
        }
        return Task.CompletedTask;
    }

    public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
    {
        End(new IOException("The broker has cancelled the consumer: the stream was deleted, or its node went away."));
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
