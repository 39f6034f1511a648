using System.Text;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Comet.AspNetCore.Connections;

/// <summary>Which format a request wants.</summary>
internal static class FormatNegotiation
{
    /// <summary>
    /// The format of the most preferred media type of <c>Accept</c> that has one; script tags for everything else.
    /// </summary>
    internal static WireFormat Choose(HttpRequest request, string callback, bool scriptOnly) =>
        (scriptOnly ? null : Preferred(request)) ?? new ScriptFormat(Encoding.ASCII.GetBytes(callback));

    /// <summary>The same; null: script tags.</summary>
    internal static WireFormat? Preferred(HttpRequest request)
    {
        if (request.Headers.Accept is { Count: > 0 } accept && MediaTypeHeaderValue.TryParseList(accept, out var accepted))
        {
            foreach (var type in accepted.Where(type => type.Quality != 0).OrderByDescending(type => type.Quality ?? 1))
            {
                if (type.MediaType.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase))
                {
                    return ServerSentEventsFormat.Instance;
                }
                if (type.MediaType.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase))
                {
                    return NdjsonFormat.Instance;
                }
                if (type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase))
                {
                    break;
                }
            }
        }
        return null;
    }
}
