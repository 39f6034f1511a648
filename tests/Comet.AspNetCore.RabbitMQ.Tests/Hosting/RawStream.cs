using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.TestUtilities.Conformance;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>A RabbitMQ stream that a test reads and writes itself.</summary>
internal sealed class RawStream : IAsyncDisposable
{
    private readonly IConnection _connection;

    private RawStream(IConnection connection, string name) => (_connection, Name) = (connection, name);

    internal string Name { get; }

    internal static async Task<RawStream> OpenAsync(Broker broker, string name) =>
        new(await new ConnectionFactory { Uri = new Uri(broker.ConnectionString) }.CreateConnectionAsync(), name);

    internal async Task<bool> ExistsAsync()
    {
        try
        {
            await using var channel = await _connection.CreateChannelAsync();
            await channel.QueueDeclarePassiveAsync(Name);
            return true;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return false;
        }
    }

    internal async Task DeleteAsync()
    {
        await using var channel = await _connection.CreateChannelAsync();
        await channel.QueueDeleteAsync(Name);
    }

    /// <summary>Declares a queue of this name that is no RabbitMQ stream.</summary>
    internal async Task OccupyAsync()
    {
        await using var channel = await _connection.CreateChannelAsync();
        await channel.QueueDeclareAsync(Name, durable: true, exclusive: false, autoDelete: false);
    }

    /// <summary>Publishes messages and waits until they are confirmed.</summary>
    internal async Task WriteAsync(IEnumerable<RabbitMQMessage> messages)
    {
        var confirmed = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);
        await using var channel = await _connection.CreateChannelAsync(confirmed);
        foreach (var batch in messages.Chunk(1000))
        {
            await Task.WhenAll(batch.Select(message =>
                channel.BasicPublishAsync("", Name, mandatory: true, message.ToProperties(), message.Payload).AsTask()));
        }
    }

    /// <summary>Publishes one message with these properties.</summary>
    internal async Task WriteAsync(BasicProperties properties, ReadOnlyMemory<byte> payload)
    {
        var confirmed = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);
        await using var channel = await _connection.CreateChannelAsync(confirmed);
        await channel.BasicPublishAsync("", Name, mandatory: true, properties, payload);
    }

    internal async Task<long> OldestAsync() =>
        (await RabbitMQStreamReader.FirstAsync(_connection, Name, Eventually.Patience, default)).Offset;

    /// <summary>Waits until retention has removed a message.</summary>
    internal async Task RemovesAsync(long offset)
    {
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        while (await OldestAsync() <= offset)
        {
            Assert.False(deadline.IsCancellationRequested, "Retention removed nothing.");
            await Task.Delay(100, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync() => await _connection.DisposeAsync();
}
