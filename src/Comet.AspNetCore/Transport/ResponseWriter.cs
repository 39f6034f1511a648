using System.Buffers;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes a stream to its connection.</summary>
internal abstract class ResponseWriter(HttpContext context)
{
    // A longer write leaves in pieces, so that one can see whether a slow client takes any.
    private const int PieceLength = 64 * 1024;

    // Set by a write that waits, taken by the task that checks its deadline.
    private bool _hasProgressed;

    private bool _keepsLittleUnsent;

    /// <summary>Cancelled when the connection is closed, by the client or by <see cref="Abort"/>.</summary>
    internal virtual CancellationToken Aborted => context.RequestAborted;

    /// <summary>Whether <see cref="Abort"/> was called.</summary>
    internal bool WasAborted { get; private set; }

    protected HttpContext Context => context;

    /// <summary>
    /// Takes the buffer's bytes, which may be reused as soon as this returns. Completes at once while the client keeps up, otherwise
    /// when the connection can take more.
    /// </summary>
    /// <returns>False: the connection is closed.</returns>
    internal abstract ValueTask<bool> WriteAsync(FrameBuffer buffer);

    /// <summary>Makes writes wait before the system holds much for the client, so that what it receives is not old.</summary>
    internal void KeepLittleUnsent() => _keepsLittleUnsent = UnsentLimit.TrySet(context);

    /// <summary>Whether the connection has taken a part of the write that is under way since the last call.</summary>
    internal bool TakeProgress() => Interlocked.Exchange(ref _hasProgressed, false);

    /// <summary>Ends the body, after the last write has completed and unless the connection was aborted.</summary>
    internal ValueTask<bool> CompleteAsync()
    {
        if (_keepsLittleUnsent)
        {
            UnsentLimit.Remove(context);
        }
        return context.Response.HasStarted && !WasAborted ? EndBodyAsync() : new(true);
    }

    /// <summary>Closes the connection at once, without an end of the body.</summary>
    internal void Abort()
    {
        WasAborted = true;
        context.Abort();
    }

    /// <summary>Whether an exception of <see cref="WriteAsync"/> means just that the connection was closed.</summary>
    internal static bool IsConnectionLoss(Exception exception) =>
        exception is OperationCanceledException or IOException or ObjectDisposedException or ConnectionAbortedException;

    protected virtual ValueTask<bool> EndBodyAsync() => new(true);

    /// <summary>Writes to the response's body.</summary>
    /// <inheritdoc cref="WriteAsync"/>
    protected ValueTask<bool> WriteBodyAsync(ReadOnlySpan<byte> bytes)
    {
        return bytes.Length > PieceLength
            ? WritePiecesAsync(bytes, static (writer, piece) => writer.FlushBodyAsync(piece.Span))
            : FlushBodyAsync(bytes);
    }

    /// <summary>Writes piece by piece, each when the connection has taken the one before.</summary>
    /// <param name="bytes">May be reused as soon as this returns.</param>
    /// <param name="write">Writes one piece. False: the connection is closed.</param>
    protected ValueTask<bool> WritePiecesAsync(ReadOnlySpan<byte> bytes, Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> write)
    {
        var copy = PooledBytes.Rent(bytes.Length);
        bytes.CopyTo(copy);
        return WritePiecesAsync(copy, bytes.Length, write);
    }

    private async ValueTask<bool> WritePiecesAsync(
        byte[] rented, int length, Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> write)
    {
        try
        {
            for (var start = 0; start < length; start += PieceLength)
            {
                if (!await write(this, rented.AsMemory(start, Math.Min(PieceLength, length - start))))
                {
                    return false;
                }
                Volatile.Write(ref _hasProgressed, start + PieceLength < length); // the last piece ends the wait
            }
            return true;
        }
        finally
        {
            PooledBytes.Return(rented);
        }
    }

    private ValueTask<bool> FlushBodyAsync(ReadOnlySpan<byte> bytes)
    {
        var body = context.Response.BodyWriter;
        body.Write(bytes);
        var flush = body.FlushAsync();
        return flush.IsCompletedSuccessfully ? new(!flush.Result.IsCompleted) : AwaitAsync(flush);

        static async ValueTask<bool> AwaitAsync(ValueTask<System.IO.Pipelines.FlushResult> flush) => !(await flush).IsCompleted;
    }
}
