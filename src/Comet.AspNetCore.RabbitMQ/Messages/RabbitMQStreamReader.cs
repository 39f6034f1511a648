using System.Runtime.CompilerServices;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Messages;

/// <summary>Reads parts of a stream through consumers that last no longer than that.</summary>
internal static class RabbitMQStreamReader
{
    private const ushort Prefetch = 512;

    /// <summary>The messages from one offset up to another, which some message has reached already.</summary>
    /// <exception cref="TimeoutException">Nothing came for this long.</exception>
    internal static async IAsyncEnumerable<RabbitMQMessage> ReadAsync(
        IConnection connection,
        string stream,
        long from,
        long to,
        TimeSpan patience,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (from >= to)
        {
            yield break;
        }
        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, from, Prefetch, cancellationToken);
        while (true)
        {
            foreach (var message in await consumer.ReadAsync(patience, cancellationToken))
            {
                if (message.Offset >= to)
                {
                    yield break;
                }
                yield return message;
            }
        }
    }

    /// <summary>The oldest message that is kept.</summary>
    internal static async Task<RabbitMQMessage> FirstAsync(IConnection connection, string stream, TimeSpan patience, CancellationToken cancellationToken)
    {
        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, "first", 1, cancellationToken);
        return (await consumer.ReadAsync(patience, cancellationToken))[0];
    }

    /// <summary>Where a message is among others that end with it.</summary>
    internal static async Task<long> OffsetOfAsync(this IAsyncEnumerable<RabbitMQMessage> messages, MessageId id)
    {
        await foreach (var message in messages)
        {
            if (message.Id == id)
            {
                return message.Offset;
            }
        }
        throw new IOException("The stream ended before the message that was looked for.");
    }

    /// <summary>
    /// What comes from close to the end on, as far as this node of the broker has it: it may lag behind the others, and then catches up.
    /// </summary>
    /// <exception cref="TimeoutException">Nothing came for this long.</exception>
    internal static async IAsyncEnumerable<RabbitMQMessage> EndAsync(
        IConnection connection,
        string stream,
        Func<Task> begun,
        TimeSpan patience,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var consumer = await RabbitMQConsumer.OpenAsync(connection, stream, "last", Prefetch, cancellationToken);
        await begun();
        while (true)
        {
            foreach (var message in await consumer.ReadAsync(patience, cancellationToken))
            {
                yield return message;
            }
        }
    }
}
