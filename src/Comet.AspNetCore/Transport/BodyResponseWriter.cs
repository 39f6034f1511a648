using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes to the response's body, whatever server, protocol and middleware are behind it.</summary>
internal sealed class BodyResponseWriter : HttpResponseWriter
{
    internal BodyResponseWriter(HttpContext context)
        : base(context)
    {
        if (!Http1.Serves(context))
        {
            context.Features.Get<SocketPipeWriter>()?.Gather(); // streams share the connection
        }
    }

    internal override ValueTask<bool> WriteAsync(FrameBuffer buffer) => WriteBodyAsync(buffer, asChunk: false);
}
