using System.Text;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.DependencyInjection;
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
    /// <summary>Checks a request and takes a place for its stream.</summary>
    /// <returns>What the stream begins with; null: the request was answered otherwise.</returns>
    internal async ValueTask<ConnectionSettings?> AcceptAsync(HttpContext context, ConnectionRequest request)
    {
        ConnectionLease? lease = null;
        var rejection = Inspect(context, ref request) ?? await AuthorizeAsync(context, request);
        if (rejection is null)
        {
            rejection = await SkipBodyAsync(context) ?? TryAcquire(context, out lease);
        }
        if (rejection is not null)
        {
            await rejection.WriteAsync(context);
            return null;
        }
        try
        {
            var format = FormatNegotiation.Choose(context.Request, request.Callback, request.ScriptOnly);
            var nonce = Nonce.Create();
            WriteHeaders(context.Response, format, nonce);
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

    private static Rejection? Inspect(HttpContext context, ref ConnectionRequest request)
    {
        var headers = context.Request.Headers;
        if (headers["Sec-Fetch-Site"] == "cross-site")
        {
            return Rejection.CrossSite;
        }
        var query = context.Request.QueryString.HasValue ? context.Request.Query : QueryCollection.Empty;
        if (query.TryGetValue("callback", out var callback))
        {
            if (callback is not [{ } name] || (name != request.Callback && !CallbackName.IsOfFrame(name)))
            {
                return Rejection.BadCallback;
            }
            request = request with { Callback = name };
        }
        var header = headers["Last-Event-ID"];
        var id = StringValues.IsNullOrEmpty(header) ? query["lastEventId"] : header;
        if (StringValues.IsNullOrEmpty(id))
        {
            return null;
        }
        if (id is not [{ } text] || !FeedPosition.TryParse(text, out var start))
        {
            return Rejection.BadId;
        }
        request = request with { Start = start };
        return start == request.End ? Rejection.Over : null;
    }

    private static async ValueTask<Rejection?> AuthorizeAsync(HttpContext context, ConnectionRequest request)
    {
        if (request.AuthorizationPolicy is not { } name)
        {
            return null;
        }
        var services = context.RequestServices;
        var policies = services.GetRequiredService<IAuthorizationPolicyProvider>();
        var policy = await policies.GetPolicyAsync(name) ??
            throw new InvalidOperationException($"There is no authorization policy named {name}.");
        // As in the authorization middleware: the policy may have a scheme of its own, and the stream ends when that sign-in expires.
        var evaluator = services.GetRequiredService<IPolicyEvaluator>();
        var authentication = await evaluator.AuthenticateAsync(policy, context);
        if (authentication.Succeeded)
        {
            context.Features.Set<IAuthenticateResultFeature>(new Authentication(authentication));
        }
        var result = await evaluator.AuthorizeAsync(policy, authentication, context, context);
        return result.Succeeded ? null : result.Challenged ? Rejection.NotSignedIn : Rejection.NotAllowed;
    }

    // A HEAD request takes no place.
    private Rejection? TryAcquire(HttpContext context, out ConnectionLease? lease)
    {
        lease = null;
        return shutdown.IsStopping ? Rejection.Stopping(reconnectDelay.Next())
            : HttpMethods.IsHead(context.Request.Method) ? null
            : limits.TryAcquire(context, out lease);
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
        RequestRest.ReadFollowing(context);
        return new ConnectionSettings
        {
            Lease = lease,
            Writer = (ResponseWriter?)SocketResponseWriter.TryCreate(context) ?? new BodyResponseWriter(context),
            Format = format,
            Nonce = nonce,
            Server = options.Value,
            Stream = request.Options,
            Start = request.Start,
            AuthenticationLifetime = AuthenticationLifetime(context),
        };
    }

    private TimeSpan? AuthenticationLifetime(HttpContext context) =>
        context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc - time.GetUtcNow();

    private sealed class Authentication(AuthenticateResult? result) : IAuthenticateResultFeature
    {
        public AuthenticateResult? AuthenticateResult { get; set; } = result;
    }

    private static void WriteHeaders(HttpResponse response, WireFormat format, Nonce nonce)
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
            "frame-ancestors 'self'; base-uri 'none'; form-action 'none'";
    }
}
