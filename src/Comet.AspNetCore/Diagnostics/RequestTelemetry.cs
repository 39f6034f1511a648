using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Comet.AspNetCore.Diagnostics;

/// <summary>What the framework says of a request. A stream's length is its client's, and no measure of the server.</summary>
internal static class RequestTelemetry
{
    /// <summary>
    /// Leaves a request that became a stream out of <c>http.server.request.duration</c>, and marks its activity as SignalR does.
    /// </summary>
    internal static void SetLongRunning(HttpContext context)
    {
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
        {
            metrics.MetricsDisabled = true;
        }
        context.Features.Get<IHttpActivityFeature>()?.Activity.SetTag("http.long_running", "true");
    }
}
