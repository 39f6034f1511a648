using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Comet.AspNetCore.Transport;

/// <summary>
/// Writes chunks to the connection, past Kestrel's response pipeline, which would add their framing and nothing else: for HTTP/1.1. The
/// head of the response goes through Kestrel.
/// </summary>
internal abstract class ChunkedResponseWriter : HttpResponseWriter
{
    protected ChunkedResponseWriter(HttpContext context)
        : base(context) => context.Response.Headers.TransferEncoding = "chunked"; // tells Kestrel that the body is framed already

    /// <summary>A writer for this request, or null when something else must see the bytes on their way.</summary>
    /// <param name="context">The request.</param>
    /// <param name="mayDetach">Whether the stream can go on after its request, so that the connection serves no other.</param>
    internal static ChunkedResponseWriter? TryCreate(HttpContext context, bool mayDetach)
    {
        var features = context.Features;
        if (context.Request.Protocol != "HTTP/1.1" ||
            features.Get<SocketPipeWriter>() is not { } socket ||
            // A middleware that wraps the body; Kestrel's own is the same object as its other features.
            !ReferenceEquals(features.Get<IHttpResponseBodyFeature>(), features.Get<IHttpRequestLifetimeFeature>()))
        {
            return null;
        }
        var output = features.GetRequiredFeature<IConnectionTransportFeature>().Transport.Output;
        return output == socket ? new SocketResponseWriter(context, socket, mayDetach) : new ConnectionResponseWriter(context, output);
    }

    // The connection has this token anyway; the one of the request is made when it is asked for.
    internal override CancellationToken Aborted => Context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().ConnectionClosed;

    /// <summary>Whether the head is on its way, so that what follows need not pass Kestrel's response.</summary>
    protected bool IsHeadSent { get; private set; }

    internal override ValueTask<bool> WriteAsync(FrameBuffer buffer)
    {
        if (IsHeadSent)
        {
            return buffer.Length > 0 ? WriteChunkAsync(buffer) : new(true);
        }
        var written = buffer.Length > 0 ? WriteBodyAsync(buffer, asChunk: true) : FlushBodyAsync(default);
        IsHeadSent = true;
        return written;
    }

    /// <summary>Writes what a buffer holds, which is not empty, as one chunk.</summary>
    /// <inheritdoc cref="ResponseWriter.WriteAsync(FrameBuffer)"/>
    protected abstract ValueTask<bool> WriteChunkAsync(FrameBuffer buffer);

    protected override ValueTask<bool> EndBodyAsync() => FlushBodyAsync("0\r\n\r\n"u8);
}
