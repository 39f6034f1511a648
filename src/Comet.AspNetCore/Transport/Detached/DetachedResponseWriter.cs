using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes a stream whose request has ended to a connection that has left the server: what an idle stream costs.</summary>
internal sealed class DetachedResponseWriter(DetachedSocket socket, IDetachableStream stream) : ResponseWriter
{
    private static readonly Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> SendPiece =
        static (writer, piece) => ((DetachedResponseWriter)writer).SendAsync(piece);

    private static readonly byte[] LastChunk = "0\r\n\r\n"u8.ToArray();

    private TaskCompletionSource? _writable; // while a write waits for the client
    private volatile bool _isClosed;
    private int _received;

    // The watch tells the stream.
    internal override CancellationToken Aborted => CancellationToken.None;

    /// <summary>Begins to tell the stream when its client has left, which may be at once.</summary>
    internal void Watch()
    {
        if (!SocketWatch.Shared!.TryAdd(socket, this))
        {
            Close(reset: false);
        }
    }

    /// <summary>Called by the watch's thread, which must not be held up.</summary>
    internal void OnEvents(SocketEvents events)
    {
        if ((events & SocketEvents.Closed) != 0)
        {
            Close(reset: false);
        }
        else if ((events & SocketEvents.Readable) != 0 && !TryDiscard())
        {
            Close(reset: true);
        }
        else if ((events & SocketEvents.Writable) != 0)
        {
            Volatile.Read(ref _writable)?.TrySetResult();
        }
    }

    internal override ValueTask<bool> WriteAsync(FrameBuffer buffer)
    {
        if (buffer.Length == 0)
        {
            return new(true);
        }
        var chunk = buffer.Chunk;
        var sent = socket.TrySend(chunk, out var isClosed);
        return sent == chunk.Length ? new(true)
            : isClosed ? new(false)
            : WriteRestAsync(buffer, sent, SendPiece);
    }

    internal override ValueTask<bool> WriteAsync(EncodedFrame frame, Nonce nonce) =>
        WritePiecesAsync(frame, 0, frame.Length, nonce, SendPiece);

    internal override void Release()
    {
        SocketWatch.Shared!.Remove(socket);
        _ = socket.Discard(RequestRest.MaxBytes); // what is unread would make a reset of the close
        socket.Dispose();
    }

    protected override async ValueTask<bool> EndAsync()
    {
        var isSent = await SendAsync(LastChunk);
        socket.EndSending();
        return isSent;
    }

    protected override void AbortConnection() => EndWrites(reset: true);

    private async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (true)
        {
            // Before the attempt, as what is told between the two is not told again.
            var writable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Interlocked.Exchange(ref _writable, writable);
            int sent;
            do
            {
                sent = socket.TrySend(bytes.Span, out var isClosed);
                if (isClosed || _isClosed)
                {
                    return false;
                }
                bytes = bytes[sent..];
            }
            while (sent > 0 && !bytes.IsEmpty);
            if (bytes.IsEmpty)
            {
                _writable = null;
                return true;
            }
            await writable.Task;
        }
    }

    // As with a stream whose request goes on, which RequestRest reads.
    private bool TryDiscard()
    {
        var discarded = socket.Discard(RequestRest.MaxBytes + 1 - _received);
        _received += discarded;
        return discarded >= 0 && _received <= RequestRest.MaxBytes;
    }

    private void Close(bool reset)
    {
        EndWrites(reset);
        stream.OnDisconnected();
    }

    private void EndWrites(bool reset)
    {
        if (reset)
        {
            socket.ResetOnClose();
        }
        _isClosed = true;
        Interlocked.MemoryBarrier(); // a write that begins now sees it, or is seen here
        Volatile.Read(ref _writable)?.TrySetResult();
    }
}
