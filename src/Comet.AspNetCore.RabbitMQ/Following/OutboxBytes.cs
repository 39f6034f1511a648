namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// How much memory the messages in the outboxes take, of all RabbitMQ streams together. Publishers are turned away when it is too much, as
/// the broker may be too slow for them, or away.
/// </summary>
internal sealed class OutboxBytes
{
    /// <summary>When this many bytes wait, publishers are turned away. SQLite's queue has the same limit.</summary>
    internal const long Max = 64 * 1024 * 1024;

    // What a message that waits takes beside its payload: many small messages are as much memory as a few large ones.
    private const int Overhead = 512;

    private long _bytes;

    /// <summary>Makes room for a message. False: too much waits.</summary>
    internal bool TryAdd(PendingAppend append)
    {
        var max = append.Payload.IsEmpty ? long.MaxValue : Max; // a completion, or a marker, is no burden
        while (Volatile.Read(ref _bytes) is var bytes && bytes < max)
        {
            if (Interlocked.CompareExchange(ref _bytes, bytes + Size(append), bytes) == bytes)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Gives back the room of a message that has left its outbox.</summary>
    internal void Remove(PendingAppend append) => Interlocked.Add(ref _bytes, -Size(append));

    private static long Size(PendingAppend append) => append.Payload.Length + Overhead;
}
