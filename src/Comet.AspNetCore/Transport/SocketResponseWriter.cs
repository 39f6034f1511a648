using System.Net.Sockets;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// Writes to the socket, past Kestrel's response pipeline: for HTTP/1.1 without TLS, where Kestrel would add chunk framing and nothing
/// else. The head and the end of the response go through Kestrel.
/// </summary>
internal sealed class SocketResponseWriter : HttpResponseWriter
{
    private static readonly Func<ResponseWriter, ReadOnlyMemory<byte>, ValueTask<bool>> SendPiece =
        static (writer, piece) => ((SocketResponseWriter)writer)._writer.SendAsync(piece);

    private readonly SocketPipeWriter _writer;
    private readonly Socket _socket; // the writer's, kept here because most writes need nothing else
    private readonly DetachableConnection? _detachable;
    private bool _isHeadSent;

    private SocketResponseWriter(HttpContext context, SocketPipeWriter writer, DetachableConnection? detachable)
        : base(context) => (_writer, _socket, _detachable) = (writer, writer.Socket, detachable);

    /// <summary>A writer for this request, or null when something else must see the bytes on their way.</summary>
    /// <param name="context">The request.</param>
    /// <param name="mayDetach">Whether the stream can go on after its request, so that the connection serves no other.</param>
    internal static SocketResponseWriter? TryCreate(HttpContext context, bool mayDetach)
    {
        var features = context.Features;
        if (context.Request.Protocol != "HTTP/1.1" ||
            // TLS, or something else that wraps the connection.
            features.Get<IConnectionTransportFeature>()?.Transport.Output is not SocketPipeWriter writer ||
            // A middleware that wraps the body; Kestrel's own is the same object as its other features.
            !ReferenceEquals(features.Get<IHttpResponseBodyFeature>(), features.Get<IHttpRequestLifetimeFeature>()))
        {
            return null;
        }
        context.Response.Headers.TransferEncoding = "chunked"; // tells Kestrel that the body is framed already
        var detachable = mayDetach ? writer.Detachable : null;
        if (detachable is not null)
        {
            context.Response.Headers.Connection = "close"; // makes Kestrel give the connection up after the request
        }
        return new SocketResponseWriter(context, writer, detachable);
    }

    // The connection has this token anyway; the one of the request is made when it is asked for.
    internal override CancellationToken Aborted => Context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().ConnectionClosed;

    internal override ValueTask<bool> WriteAsync(FrameBuffer buffer)
    {
        if (!_isHeadSent)
        {
            _isHeadSent = true;
            return buffer.Length > 0 ? WriteBodyAsync(buffer, asChunk: true) : FlushBodyAsync(default);
        }
        if (buffer.Length == 0)
        {
            return new(true);
        }
        var chunk = buffer.Chunk;
        var sent = SocketPipeWriter.TrySend(_socket, chunk, out var isClosed);
        return sent == chunk.Length ? new(true)
            : isClosed ? new(false)
            : WriteRestAsync(buffer, sent, SendPiece);
    }

    internal override ValueTask<bool> WriteAsync(EncodedFrame frame, Nonce nonce) =>
        WritePiecesAsync(frame, 0, frame.Length, nonce, SendPiece);

    internal override bool TryDetach(IDetachableStream stream)
    {
        _detachable?.DetachTo(stream);
        return _detachable is not null;
    }

    protected override ValueTask<bool> EndBodyAsync() => FlushBodyAsync("0\r\n\r\n"u8);
}
