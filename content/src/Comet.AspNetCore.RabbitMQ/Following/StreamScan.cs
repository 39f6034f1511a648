using System.Runtime.CompilerServices;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>Reads parts of a stream through consumers that last no longer than that.</summary>
internal static class StreamScan
{
    private const ushort Ahead = 512;

    /// <summary>The messages from one offset up to another, which some message has reached already.</summary>
    /// <exception cref="TimeoutException">Nothing came for this long.</exception>
    internal static async IAsyncEnumerable<StreamMessage> ReadAsync(
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
        await using var consumer = await StreamConsumer.OpenAsync(connection, stream, from, Ahead, cancellationToken);
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
    internal static Task<StreamMessage> FirstAsync(IConnection connection, string stream, TimeSpan patience, CancellationToken cancellationToken) =>
        OneAsync(connection, stream, "first", patience, cancellationToken);

    /// <summary>A message close to the end: the first of those that were last written together.</summary>
    internal static Task<StreamMessage> LastAsync(IConnection connection, string stream, TimeSpan patience, CancellationToken cancellationToken) =>
        OneAsync(connection, stream, "last", patience, cancellationToken);

    private static async Task<StreamMessage> OneAsync(
        IConnection connection,
        string stream,
        string from,
        TimeSpan patience,
        CancellationToken cancellationToken)
    {
        await using var consumer = await StreamConsumer.OpenAsync(connection, stream, from, 1, cancellationToken);
        return (await consumer.ReadAsync(patience, cancellationToken))[0];
    }
}
