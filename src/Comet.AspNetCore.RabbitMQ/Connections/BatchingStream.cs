using System.Net.Sockets;

namespace Comet.AspNetCore.RabbitMQ.Connections;

/// <summary>
/// Writes to a connection in batches: what comes while one is sent goes with the next. RabbitMQ's client flushes each message by itself,
/// and a packet costs it and the broker more than the message. One writer at a time, as the client has one; it reads independently.
/// </summary>
internal sealed class BatchingStream(Socket socket) : NetworkStream(socket, ownsSocket: false)
{
    /// <summary>The longest batch. A writer that is this far ahead of the broker waits.</summary>
    internal const int MaxBatchBytes = 64 * 1024;

    // As long as closing may take over a connection that no longer works.
    private static readonly TimeSpan LastBatch = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private byte[] _next = new byte[MaxBatchBytes];
    private byte[] _leaving = new byte[MaxBatchBytes];
    private int _count;
    private bool _isSending;
    private Task _sending = Task.CompletedTask;
    private Exception? _failure;

    /// <summary>Returns once the bytes are in a batch.</summary>
    /// <exception cref="IOException">What was written before could not be sent.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            buffer = buffer[Add(buffer.Span, out var sending)..];
            if (buffer.IsEmpty)
            {
                return;
            }
            await sending.WaitAsync(cancellationToken);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => throw NewAsyncOnly();

    public override void Write(ReadOnlySpan<byte> buffer) => throw NewAsyncOnly();

    /// <summary>Closes the stream once what was written is sent, the client's last words among it; after one second at most.</summary>
    public override async ValueTask DisposeAsync()
    {
        Task sending;
        lock (_lock)
        {
            sending = _sending;
        }
        await sending.WaitAsync(LastBatch).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.DisposeAsync();
    }

    // Returns how many bytes have room.
    private int Add(ReadOnlySpan<byte> bytes, out Task sending)
    {
        lock (_lock)
        {
            if (_failure is not null)
            {
                throw new IOException("The connection to the broker was lost.", _failure);
            }
            var added = Math.Min(bytes.Length, MaxBatchBytes - _count);
            bytes[..added].CopyTo(_next.AsSpan(_count));
            _count += added;
            if (!_isSending)
            {
                (_isSending, _sending) = (true, Task.Run(SendAsync));
            }
            sending = _sending;
            return added;
        }
    }

    private async Task SendAsync()
    {
        try
        {
            while (TakeBatch() is { IsEmpty: false } batch)
            {
                await base.WriteAsync(batch);
            }
        }
        catch (Exception exception)
        {
            lock (_lock)
            {
                _failure = exception; // for the next write; whoever reads meets the same end
            }
        }
    }

    private ReadOnlyMemory<byte> TakeBatch()
    {
        lock (_lock)
        {
            var batch = _next.AsMemory(0, _count);
            (_next, _leaving, _count) = (_leaving, _next, 0);
            _isSending = !batch.IsEmpty;
            return batch;
        }
    }

    private static NotSupportedException NewAsyncOnly() => new("Batches are written asynchronously.");
}
