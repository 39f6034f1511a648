using Comet.AspNetCore.RabbitMQ.Connections;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>Publishes to a RabbitMQ stream over a channel of its own. One caller at a time.</summary>
internal sealed class RabbitMQPublisher : IAsyncDisposable
{
    private readonly IChannel _channel;
    private readonly string _stream;
    private readonly TaskCompletionSource _firstStored = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Exception> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RabbitMQPublisher(IChannel channel, string stream)
    {
        (_channel, _stream) = (channel, stream);
        channel.BasicAcksAsync += (_, _) =>
        {
            _firstStored.TrySetResult();
            return Task.CompletedTask;
        };
        channel.BasicNacksAsync += (_, _) => Fail(new IOException("The broker could not store a message."));
        channel.BasicReturnAsync += (_, _) => Fail(new IOException($"The RabbitMQ stream {stream} was deleted."));
        channel.ChannelShutdownAsync += (_, reason) =>
            Fail(MessageRefusedException.Of(reason) ?? new IOException($"The channel was closed: {reason.ReplyText}"));
    }

    /// <summary>Completes with the reason when the channel can publish no longer.</summary>
    internal Task<Exception> Failed => _failed.Task;

    /// <summary>Declares the stream if it does not exist, and opens a channel to it.</summary>
    internal static async Task<RabbitMQPublisher> OpenAsync(
        IConnection connection,
        string stream,
        Dictionary<string, object?> arguments,
        CancellationToken cancellationToken)
    {
        await DeclareAsync(connection, stream, arguments, cancellationToken);
        // Confirms are not tracked: an append completes when it is read back, and a RabbitMQ stream delivers only what it would confirm.
        var options = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: false);
        var channel = await connection.CreateChannelAsync(options, cancellationToken).OrCloseAsync(cancellationToken);
        return new RabbitMQPublisher(channel, stream);
    }

    /// <exception cref="MessageRefusedException">The broker has refused this message or one before it.</exception>
    internal async ValueTask PublishAsync(RabbitMQMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await _channel.BasicPublishAsync("", _stream, mandatory: true, message.ToProperties(), message.Payload, cancellationToken);
        }
        catch (AlreadyClosedException exception) when (MessageRefusedException.Of(exception.ShutdownReason) is { } refused)
        {
            throw refused;
        }
    }

    /// <summary>Publishes the first message of this channel and waits until the broker confirms it.</summary>
    /// <exception cref="TimeoutException">The broker did not confirm it in time.</exception>
    internal async Task PublishFirstAsync(RabbitMQMessage message, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await PublishAsync(message, cancellationToken);
        await Task.WhenAny(_firstStored.Task, _failed.Task).WaitAsync(timeout, cancellationToken);
        if (!_firstStored.Task.IsCompleted)
        {
            throw await _failed.Task;
        }
    }

    public async ValueTask DisposeAsync() => await _channel.DisposeWithTimeoutAsync();

    private Task Fail(Exception reason)
    {
        _failed.TrySetResult(reason);
        return Task.CompletedTask;
    }

    /// <summary>Whether the broker has the stream. Creates nothing.</summary>
    internal static async Task<bool> ExistsAsync(IConnection connection, string stream, CancellationToken cancellationToken)
    {
        try
        {
            await UseAsync(connection, channel => channel.QueueDeclarePassiveAsync(stream, cancellationToken), cancellationToken);
            return true;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return false;
        }
    }

    // RabbitMQ refuses to declare an existing stream with other arguments, so an existing one is used as it is.
    private static async Task DeclareAsync(
        IConnection connection,
        string stream,
        Dictionary<string, object?> arguments,
        CancellationToken cancellationToken)
    {
        if (!await ExistsAsync(connection, stream, cancellationToken))
        {
            await UseAsync(
                connection,
                channel => channel.QueueDeclareAsync(
                    stream, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken),
                cancellationToken);
        }
    }

    // In a channel of its own, which the broker closes when it says no.
    private static async Task UseAsync(IConnection connection, Func<IChannel, Task> use, CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken).OrCloseAsync(cancellationToken);
        try
        {
            await use(channel).WaitAsync(cancellationToken);
        }
        finally
        {
            await channel.DisposeWithTimeoutAsync();
        }
    }
}
