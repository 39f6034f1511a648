using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.OutputCaching;

namespace Comet.AspNetCore.Results;

/// <summary>
/// What an endpoint that streams says of itself: its content types to OpenAPI, and to the middleware for output caching and for request
/// timeouts that it is not for them. Response caching needs no word: it keeps nothing that says <c>no-store</c>.
/// </summary>
internal static class StreamMetadata
{
    private static readonly object[] All =
    [
        new ProducesResponseTypeMetadata(
            StatusCodes.Status200OK, typeof(string), ["text/html", "text/event-stream", "application/x-ndjson"]),
        new NoOutputCachePolicy(),
        new DisableRequestTimeoutAttribute(),
    ];

    internal static void AddTo(IList<object> metadata)
    {
        foreach (var item in All)
        {
            metadata.Add(item);
        }
    }

    // A second visitor would wait for the first one's response to be complete, for ever.
    private sealed class NoOutputCachePolicy : IOutputCachePolicy
    {
        public ValueTask CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
        {
            context.EnableOutputCaching = false;
            return ValueTask.CompletedTask;
        }

        public ValueTask ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation) => ValueTask.CompletedTask;
    }
}
