using System.Runtime.CompilerServices;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>Reads parts of a RabbitMQ stream, each through a consumer of its own.</summary>
internal static class RabbitMQStreamReader
{
    /// <summary>Reads the messages from one offset up to another. The stream must have a message at or after the latter.</summary>
    /// <exception cref="TimeoutException">No message came within the timeout.</exception>
    internal static async IAsyncEnumerable<RabbitMQMessage> ReadAsync(
        IConnection connection,
        string stream,
        long from,
        long to,
        ushort prefetch,
        TimeSpan timeout,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (from >= to)
        {
            yield break;
        }
        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, from, prefetch, cancellationToken);
        while (true)
        {
            foreach (var message in await consumer.ReadAsync(timeout, cancellationToken))
            {
                if (message.Offset >= to)
                {
                    yield break;
                }
                yield return message;
            }
        }
    }

    /// <summary>Reads the oldest message that the stream keeps.</summary>
    /// <exception cref="TimeoutException">No message came within the timeout.</exception>
    internal static async Task<RabbitMQMessage> FirstAsync(
        IConnection connection,
        string stream,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, "first", 1, cancellationToken);
        return (await consumer.ReadAsync(timeout, cancellationToken))[0];
    }

    /// <summary>Reads until the message with this id, and returns its offset.</summary>
    internal static async Task<long> OffsetOfAsync(this IAsyncEnumerable<RabbitMQMessage> messages, MessageId id)
    {
        await foreach (var message in messages)
        {
            if (message.Id == id)
            {
                return message.Offset;
            }
        }
        throw new IOException("The RabbitMQ stream ended before the message of this id.");
    }

    /// <summary>
    /// Reads from a place close to the end on, without an end. The end is that of the node that is read from, which may lag behind the
    /// others for a while.
    /// </summary>
    /// <param name="connection">The connection to the broker.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="begun">Called when the node has begun to deliver, before the first message is read.</param>
    /// <param name="timeout">The longest wait for a message.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="TimeoutException">No message came within the timeout.</exception>
    internal static async IAsyncEnumerable<RabbitMQMessage> EndAsync(
        IConnection connection,
        string stream,
        Func<Task> begun,
        TimeSpan timeout,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, "last", ScanPrefetch.Most, cancellationToken);
        await begun();
        while (true)
        {
            foreach (var message in await consumer.ReadAsync(timeout, cancellationToken))
            {
                yield return message;
            }
        }
    }
}
