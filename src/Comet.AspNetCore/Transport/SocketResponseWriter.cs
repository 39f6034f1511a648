using System.Net.Sockets;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes to the socket itself, where nothing handles the connection's bytes on their way.</summary>
internal sealed class SocketResponseWriter : ChunkedResponseWriter
{
    private static readonly Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> SendPiece =
        static (writer, piece) => ((SocketResponseWriter)writer)._writer.SendAsync(piece);

    private readonly SocketPipeWriter _writer;
    private readonly Socket _socket; // the writer's, kept here because most writes need nothing else
    private readonly DetachableConnection? _detachable;

    /// <param name="context">The request.</param>
    /// <param name="writer">The connection's output.</param>
    /// <param name="mayDetach">Whether the stream can go on after its request, so that the connection serves no other.</param>
    internal SocketResponseWriter(HttpContext context, SocketPipeWriter writer, bool mayDetach)
        : base(context)
    {
        (_writer, _socket, _detachable) = (writer, writer.Socket, mayDetach ? writer.Detachable : null);
        if (_detachable is not null)
        {
            context.Response.Headers.Connection = "close"; // makes Kestrel give the connection up after the request
        }
    }

    internal override ValueTask<bool> WriteAsync(EncodedFrame frame, Nonce nonce) =>
        WritePiecesAsync(frame, 0, frame.Length, nonce, SendPiece);

    internal override bool TryDetach(IDetachableStream stream)
    {
        _detachable?.DetachTo(stream);
        return _detachable is not null;
    }

    protected override ValueTask<bool> WriteChunkAsync(FrameBuffer buffer)
    {
        var chunk = buffer.Chunk;
        var sent = SocketPipeWriter.TrySend(_socket, chunk, out var isClosed);
        return sent == chunk.Length ? new(true)
            : isClosed ? new(false)
            : WriteRestAsync(buffer, sent, SendPiece);
    }
}
