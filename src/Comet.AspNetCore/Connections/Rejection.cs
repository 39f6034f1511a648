using System.Globalization;
using System.Text;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// A request that gets no stream: a reason for metrics, a status, and one sentence, which repeats nothing of the request. Native
/// <c>EventSource</c> would never come back after a status, so where it may, it gets a stream that ends at once and says when.
/// </summary>
internal sealed record Rejection(string Reason, int Status, string Message, TimeSpan? RetryAfter = null)
{
    // As Retry-After, which is in whole seconds.
    private static readonly TimeSpan LeastRetry = TimeSpan.FromSeconds(1);

    /// <summary>The request has a body that is malformed, or, with another status, longer or slower than the server allows.</summary>
    internal static readonly Rejection BadBody = new(
        "bad-body", StatusCodes.Status400BadRequest, "The request's body cannot be read. A stream needs none.");

    /// <summary>The names of feeds cannot be read; with another status, the form is of another type, or longer than it may be.</summary>
    internal static readonly Rejection BadForm = new(
        "bad-form",
        StatusCodes.Status400BadRequest,
        "The feeds are named in a form, application/x-www-form-urlencoded in UTF-8, of 1 MiB at most: feed= with the name of each.");

    internal static readonly Rejection BadCallback = new(
        "bad-callback",
        StatusCodes.Status400BadRequest,
        "The callback must be this stream's own, or \"frameElement.\" and a name that no frame has by itself, " +
        "at most 128 characters in all.");

    internal static readonly Rejection BadId = new(
        "bad-id",
        StatusCodes.Status400BadRequest,
        "The last event id is malformed: send back the id of the last message as it was received, or \"earliest\".");

    internal static readonly Rejection BadStart = new(
        "bad-start",
        StatusCodes.Status400BadRequest,
        "Start with ?last= and a number of messages, or with ?since= and a time such as 2030-01-31T12:00:00Z; not with both.");

    internal static readonly Rejection BadWait = new(
        "bad-wait", StatusCodes.Status400BadRequest, "?wait= is a number of whole seconds from 0 to 120.");

    internal static readonly Rejection NoFeed = new(
        "no-feed", StatusCodes.Status400BadRequest, "Name the feeds that the stream is to carry: ?feed= with the name of each.");

    internal static readonly Rejection UnknownFeed = new(
        "unknown-feed",
        StatusCodes.Status400BadRequest,
        "This stream has no feed of a name that was asked for. A feed is asked for once, by ?feed= and its name, as \"name\" or " +
        "\"family/key\", after its position and an @ if it has one.");

    internal static readonly Rejection TooManyFeeds = new(
        "too-many-feeds",
        StatusCodes.Status400BadRequest,
        "A stream carries 1000 feeds at most, as NDJSON; a frame and an EventSource take 100.");

    internal static readonly Rejection CrossSite = new(
        "cross-site",
        StatusCodes.Status403Forbidden,
        "This stream serves pages of its own site, and of origins that the CORS policy of its endpoint, or the app's default one, allows.");

    /// <summary>The client has had the end of its sequence. EventSource comes back after every end, but not after this status.</summary>
    internal static readonly Rejection Over = new("over", StatusCodes.Status204NoContent, "");

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
        context.RequestServices.GetRequiredService<CometMetrics>().RequestRejected(Reason);
        var response = context.Response;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        if (RetryAfter is { } delay)
        {
            if (FormatNegotiation.Preferred(context.Request) is ServerSentEventsFormat format)
            {
                response.ContentType = format.ContentType;
                return WriteBodyAsync(context, EndAtOnce(format, delay));
            }
            response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }
        response.StatusCode = Status;
        if (Message.Length == 0)
        {
            return Task.CompletedTask;
        }
        response.ContentType = "text/plain; charset=utf-8";
        return WriteBodyAsync(context, Encoding.ASCII.GetBytes(Message));
    }

    private static byte[] EndAtOnce(ServerSentEventsFormat format, TimeSpan retry)
    {
        using var buffer = new FrameBuffer();
        format.WriteControl(buffer, ControlMessage.End(EndReason.Rejected.Name, retry < LeastRetry ? LeastRetry : retry));
        return buffer.Content.ToArray();
    }

    private static Task WriteBodyAsync(HttpContext context, byte[] body) =>
        HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
}
