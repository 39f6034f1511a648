using System.Globalization;
using System.Text;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Comet.AspNetCore.Connections;

/// <summary>Decides whether a request gets a stream, and sets the response's headers.</summary>
internal sealed class ConnectionAcceptor(
    IOptions<CometOptions> options,
    ConnectionLimits limits,
    ConnectionShutdown shutdown,
    ReconnectDelay reconnectDelay,
    TimeProvider time)
{
    // Longer than any poll is useful: what holds bytes back cuts a quiet request after a minute or two.
    private const int MaxWait = 120;

    /// <summary>Checks who asks, and what a request says of its stream, which it adds to what the action says.</summary>
    /// <returns>What is asked for, and why it gets no stream; null: it may.</returns>
    internal static async ValueTask<(ConnectionRequest Refined, Rejection? Rejection)> InspectAsync(
        HttpContext context, ConnectionRequest request)
    {
        var rejection = await CrossSiteRequests.InspectAsync(context) ?? Inspect(context, ref request);
        return (request, rejection);
    }

    private static Rejection? Inspect(HttpContext context, ref ConnectionRequest request)
    {
        var headers = context.Request.Headers;
        var query = context.Request.QueryString.HasValue ? context.Request.Query : QueryCollection.Empty;
        if (query.TryGetValue("callback", out var callback))
        {
            if (callback is not [{ } name] || (name != request.Callback && !CallbackName.IsOfFrame(name)))
            {
                return Rejection.BadCallback;
            }
            request = request with { Callback = name };
        }
        if ((TryReadPast(query, ref request) ? null : Rejection.BadStart) is { } badStart)
        {
            return badStart;
        }
        if (query.TryGetValue("wait", out var wait))
        {
            if (wait is not [{ } seconds] || !TryReadCount(seconds, MaxWait, out var count))
            {
                return Rejection.BadWait;
            }
            request = request with { Wait = TimeSpan.FromSeconds(count) };
        }
        var header = headers["Last-Event-ID"];
        var id = StringValues.IsNullOrEmpty(header) ? query["lastEventId"] : header;
        if (StringValues.IsNullOrEmpty(id))
        {
            return null;
        }
        if (id is not [{ } text] || !StreamPosition.TryParse(text, out var start) || (request.End is not null && !start.IsOfOne))
        {
            return Rejection.BadId;
        }
        request = request with { Start = start, IsStartOfUrl = StringValues.IsNullOrEmpty(header) };
        return request.End is { } end && start.Only == end ? Rejection.Over : null;
    }

    // Either of the two, once.
    private static bool TryReadPast(IQueryCollection query, ref ConnectionRequest request)
    {
        var (last, since) = (query["last"], query["since"]);
        switch (last.Count + since.Count)
        {
            case 0:
                return true;
            case 1 when last is [{ } text] && TryReadCount(text, int.MaxValue, out var count):
                request = request with { Past = count == 0 ? default : FeedStart.AtNewest(count) };
                return true;
            case 1 when since is [{ } text] && TryReadTime(text, out var time):
                request = request with { Past = FeedStart.AtTime(time) };
                return true;
            default:
                return false;
        }
    }

    // .NET also reads times of today, and days as Americans write them.
    private static bool TryReadTime(string text, out DateTimeOffset time)
    {
        time = default;
        return text is [_, _, _, _, '-', _, _, '-', _, _] or [_, _, _, _, '-', _, _, '-', _, _, 'T', ..] &&
            DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
    }

    private static bool TryReadCount(string text, int max, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count <= max;

    /// <summary>Takes a place for the stream of a request, which costs next to nothing. A HEAD request takes none.</summary>
    /// <returns>Why there is none; null: the lease is the request's, if it needs one.</returns>
    internal Rejection? TryAcquire(HttpContext context, out ConnectionLease? lease)
    {
        lease = null;
        return shutdown.IsStopping ? Rejection.Stopping(reconnectDelay.Next())
            : HttpMethods.IsHead(context.Request.Method) ? null
            : limits.TryAcquire(context, out lease);
    }

    /// <summary>Takes a place for the stream of a request, unless it has one, and sets the response's headers.</summary>
    /// <param name="context">The request.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="lease">The place that it has; it is given back if there is no stream.</param>
    /// <returns>What the stream begins with; null: the request was answered otherwise.</returns>
    internal async ValueTask<ConnectionSettings?> AcceptAsync(HttpContext context, ConnectionRequest request, ConnectionLease? lease = null)
    {
        try
        {
            var rejection = lease is null ? TryAcquire(context, out lease) : limits.TryMove(context, lease);
            if ((rejection ?? await SkipBodyAsync(context)) is { } refused)
            {
                lease?.Dispose(); // before the client learns that it has none, and may come again
                await refused.WriteAsync(context);
                return null;
            }
            var format = FormatNegotiation.Choose(context.Request, request.Callback, request.ScriptOnly);
            var nonce = Nonce.Create();
            WriteHeaders(context.Response, format, nonce, request.Options?.FrameAncestors);
            return lease is null ? null : SettingsOf(context, request, format, nonce, lease);
        }
        catch
        {
            lease?.Dispose();
            throw;
        }
    }

    private static async ValueTask<Rejection?> SkipBodyAsync(HttpContext context)
    {
        try
        {
            await RequestRest.SkipBodyAsync(context);
            return null;
        }
        catch (BadHttpRequestException exception)
        {
            return Rejection.BadBody with { Status = exception.StatusCode };
        }
    }

    private ConnectionSettings SettingsOf(
        HttpContext context, ConnectionRequest request, WireFormat format, Nonce nonce, ConnectionLease lease)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        // Slow clients have the deadline of WriteDeadline, which says why they end.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
        return new ConnectionSettings
        {
            Lease = lease,
            Writer = WriterOf(context, mayDetach: request is { MayDetach: true, Wait: null }),
            Format = format,
            Nonce = nonce,
            Server = options.Value,
            Stream = request.Options,
            Start = request.Start,
            IsStartOfUrl = request.IsStartOfUrl,
            Past = request.Past,
            Wait = request.Wait,
            AuthenticationLifetime = AuthenticationLifetime(context),
            Audience = StreamAudience.Of(context),
        };
    }

    private static HttpResponseWriter WriterOf(HttpContext context, bool mayDetach) =>
        (HttpResponseWriter?)ChunkedResponseWriter.TryCreate(context, mayDetach) ?? new BodyResponseWriter(context);

    private TimeSpan? AuthenticationLifetime(HttpContext context) =>
        context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc - time.GetUtcNow();

    private static void WriteHeaders(HttpResponse response, WireFormat format, Nonce nonce, string? frameAncestors)
    {
        var headers = response.Headers;
        response.ContentType = format.ContentType;
        headers.CacheControl = "no-store, no-transform";
        headers[HeaderNames.ContentEncoding] = "identity"; // keeps response compression and gzipping proxies from collecting messages
        headers["X-Accel-Buffering"] = "no"; // nginx
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = HeaderNames.Accept;
        Span<char> text = stackalloc char[Nonce.Length];
        Encoding.ASCII.GetChars(nonce, text);
        headers.ContentSecurityPolicy = $"default-src 'none'; script-src 'nonce-{text}'; connect-src 'self'; " +
            $"frame-ancestors {frameAncestors ?? "'self'"}; base-uri 'none'; form-action 'none'";
    }
}
