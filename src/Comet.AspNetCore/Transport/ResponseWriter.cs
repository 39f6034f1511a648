using System.Buffers;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Connections;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes a stream to its connection.</summary>
internal abstract class ResponseWriter
{
    // A longer write leaves in pieces, so that one can see whether a slow client takes any. A connection holds one piece of it at a time.
    protected const int PieceLength = 32 * 1024;

    // Set by a write that waits, taken by the task that checks its deadline.
    private bool _hasProgressed;

    /// <summary>Cancelled when the connection is closed, by the client or by <see cref="Abort"/>.</summary>
    internal abstract CancellationToken Aborted { get; }

    /// <summary>Whether <see cref="Abort"/> was called.</summary>
    internal bool WasAborted { get; private set; }

    /// <summary>
    /// Takes the buffer's bytes, which may be reused as soon as this returns. Completes at once while the client keeps up, otherwise
    /// when the connection can take more.
    /// </summary>
    /// <returns>False: the connection is closed.</returns>
    internal abstract ValueTask<bool> WriteAsync(FrameBuffer buffer);

    /// <summary>Writes a frame that connections share. The response has begun: its head was written.</summary>
    /// <param name="frame">What to write.</param>
    /// <param name="nonce">The connection's.</param>
    /// <inheritdoc cref="WriteAsync(FrameBuffer)"/>
    internal abstract ValueTask<bool> WriteAsync(EncodedFrame frame, Nonce nonce);

    /// <summary>Whether the connection has taken a part of the write that is under way since the last call.</summary>
    internal bool TakeProgress() => Interlocked.Exchange(ref _hasProgressed, false);

    /// <summary>
    /// Reads no more of what the client sends, where somebody does. The client must not have seen the end of the response.
    /// </summary>
    internal virtual Task EndReadingAsync() => Task.CompletedTask;

    /// <summary>Ends the body, after the last write has completed and unless the connection was aborted.</summary>
    internal ValueTask<bool> CompleteAsync() => WasAborted ? new(true) : EndAsync();

    /// <summary>Closes the connection at once, without an end of the body.</summary>
    internal void Abort()
    {
        WasAborted = true;
        AbortConnection();
    }

    /// <summary>Gives back what it has of the system, after the last write has completed.</summary>
    internal virtual void Release()
    {
    }

    /// <summary>Whether an exception of <see cref="WriteAsync(FrameBuffer)"/> means just that the connection was closed.</summary>
    internal static bool IsConnectionLoss(Exception exception) =>
        exception is OperationCanceledException or IOException or ObjectDisposedException or ConnectionAbortedException;

    /// <inheritdoc cref="CompleteAsync"/>
    protected abstract ValueTask<bool> EndAsync();

    /// <inheritdoc cref="Abort"/>
    protected abstract void AbortConnection();

    /// <summary>Writes the rest of a buffer's chunk piece by piece, each when the connection has taken the one before.</summary>
    /// <param name="buffer">May be reused as soon as this returns.</param>
    /// <param name="from">Where in the chunk the rest begins.</param>
    /// <param name="write">Writes one piece. False: the connection is closed.</param>
    protected ValueTask<bool> WriteRestAsync(
        FrameBuffer buffer, int from, Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> write)
    {
        var rest = buffer.Chunk[from..];
        if (rest.Length > PieceLength)
        {
            var frame = buffer.Share();
            return WritePiecesAsync(frame, from, frame.Length, buffer.Nonce, write);
        }
        var piece = ArrayPool<byte>.Shared.Rent(rest.Length);
        rest.CopyTo(piece);
        return WritePieceAsync(piece, rest.Length, write);
    }

    private async ValueTask<bool> WritePieceAsync(
        byte[] piece, int length, Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> write)
    {
        try
        {
            return await write(this, piece.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Writes a part of a frame piece by piece, each when the connection has taken the one before.</summary>
    /// <param name="frame">Does not change.</param>
    /// <param name="from">Where the part begins.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="nonce">The connection's.</param>
    /// <param name="write">Writes one piece. False: the connection is closed.</param>
    protected async ValueTask<bool> WritePiecesAsync(
        EncodedFrame frame, int from, int to, Nonce nonce, Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> write)
    {
        var piece = ArrayPool<byte>.Shared.Rent(PieceLength);
        try
        {
            while (from < to)
            {
                var length = Math.Min(PieceLength, to - from);
                frame.CopyTo(piece.AsSpan(0, length), from, nonce);
                if (!await write(this, piece.AsMemory(0, length)))
                {
                    return false;
                }
                from += length;
                Volatile.Write(ref _hasProgressed, from < to); // the last piece ends the wait
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }
}
