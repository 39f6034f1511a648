using System.IO.Pipelines;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes to what lies between the response and the socket: TLS, or something else that handles the connection's bytes.</summary>
internal sealed class ConnectionResponseWriter(HttpContext context, PipeWriter output) : ChunkedResponseWriter(context)
{
    protected override PipeWriter Output => IsHeadSent ? output : base.Output;

    internal override ValueTask<bool> WriteAsync(EncodedFrame frame, Nonce nonce) =>
        WritePiecesAsync(frame, 0, frame.Length, nonce, FlushPiece);

    protected override ValueTask<bool> WriteChunkAsync(FrameBuffer buffer) => WriteBodyAsync(buffer, asChunk: true);
}
