using System.Globalization;
using Comet.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// A request that gets no stream: a reason for metrics, a status, and one sentence, which repeats nothing of the request.
/// </summary>
internal sealed record Rejection(string Reason, int Status, string Message, TimeSpan? RetryAfter = null)
{
    internal static readonly Rejection BadCallback = new(
        "bad-callback",
        StatusCodes.Status400BadRequest,
        "The callback must be \"parent.\" or \"frameElement.\" and one JavaScript identifier, at most 128 characters in all.");

    internal static readonly Rejection BadId = new(
        "bad-id",
        StatusCodes.Status400BadRequest,
        "The last event id is malformed: send back the id of the last message as it was received, or \"earliest\".");

    internal static readonly Rejection CrossSite = new(
        "cross-site", StatusCodes.Status403Forbidden, "This stream serves pages of its own site only.");

    internal static readonly Rejection NotSignedIn = new(
        "not-signed-in", StatusCodes.Status401Unauthorized, "This stream is for signed-in users.");

    internal static readonly Rejection NotAllowed = new("not-allowed", StatusCodes.Status403Forbidden, "This stream is not for this user.");

    internal static Rejection Full(TimeSpan retryAfter) =>
        new("full", StatusCodes.Status503ServiceUnavailable, "The server has as many streams as it takes. Try again later.", retryAfter);

    internal static Rejection Stopping(TimeSpan retryAfter) =>
        new("stopping", StatusCodes.Status503ServiceUnavailable, "The server is shutting down. Try again.", retryAfter);

    internal static Rejection TooMany(TimeSpan retryAfter) => new(
        "too-many",
        StatusCodes.Status429TooManyRequests,
        "Too many streams are open for this user or address. Close one, or try again later.",
        retryAfter);

    internal static Rejection StoreUnavailable(TimeSpan retryAfter) => new(
        "store-unavailable",
        StatusCodes.Status503ServiceUnavailable,
        "The feed's history is unavailable right now. Try again later.",
        retryAfter);

    internal Task WriteAsync(HttpContext context)
    {
        context.RequestServices.GetRequiredService<CometMetrics>().Rejected(Reason);
        var response = context.Response;
        response.StatusCode = Status;
        response.ContentType = "text/plain; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } delay)
        {
            var seconds = Math.Max(1, (int)Math.Ceiling(delay.TotalSeconds));
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.WriteAsync(Message, context.RequestAborted);
    }
}
