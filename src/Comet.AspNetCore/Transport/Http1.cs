using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Transport;

internal static class Http1
{
    /// <summary>Whether the connection serves one request at a time: other protocols share it.</summary>
    internal static bool Serves(HttpContext context) =>
        HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol);
}
