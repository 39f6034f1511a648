using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

/// <summary>Writes to the response's body, whatever server, protocol and middleware are behind it.</summary>
internal sealed class BodyResponseWriter(HttpContext context) : HttpResponseWriter(context)
{
    internal override ValueTask<bool> WriteAsync(FrameBuffer buffer) => WriteBodyAsync(buffer, asChunk: false);
}
