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
using Microsoft.Net.Http.Headers;

namespace Comet.AspNetCore.Connections;

/// <summary>Decides whether a request gets a stream, and sets the response's headers.</summary>
internal sealed class ConnectionAcceptor(IOptions<CometOptions> server, ConnectionLimits admission, ConnectionLifetime lifetime)
{
    /// <summary>What a stream begins with; null: the request was answered otherwise.</summary>
    internal async ValueTask<ConnectionSettings?> OpenAsync(HttpContext context, ConnectionRequest request)
    {
        ConnectionLease? permit = null;
        var refusal = Inspect(context, ref request) ?? await AuthorizeAsync(context, request) ?? Enter(context, out permit);
        if (refusal is not null)
        {
            await refusal.WriteAsync(context);
            return null;
        }
        try
        {
            var format = FormatNegotiation.Choose(context.Request, request.Callback, request.ScriptOnly);
            var nonce = Nonce.Create();
            WriteHeaders(context.Response, format, nonce);
            return permit is { } place ? Open(context, request, format, nonce, place) : null;
        }
        catch
        {
            permit?.Dispose();
            throw;
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
            if (callback is not [{ } name] || !CallbackName.IsAllowedFromRequest(name))
            {
                return Rejection.BadCallback;
            }
            request = request with { Callback = name };
        }
        var id = headers.TryGetValue("Last-Event-ID", out var header) && header.Count > 0 ? header : query["lastEventId"];
        if (id.Count == 0)
        {
            return null;
        }
        if (id is not [{ } text] || !FeedPosition.TryParse(text, out var start))
        {
            return Rejection.BadId;
        }
        request = request with { Start = start };
        return null;
    }

    private static async ValueTask<Rejection?> AuthorizeAsync(HttpContext context, ConnectionRequest request)
    {
        if (request.AuthorizationPolicy is not { } name)
        {
            return null;
        }
        var services = context.RequestServices;
        var policies = services.GetRequiredService<IAuthorizationPolicyProvider>();
        var policy = await policies.GetPolicyAsync(name) ?? throw new InvalidOperationException($"There is no authorization policy named {name}.");
        // As the authorization middleware does: the policy may have a scheme of its own, and its sign-in is then what expires.
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
    private Rejection? Enter(HttpContext context, out ConnectionLease? permit)
    {
        permit = null;
        return lifetime.IsStopping ? Rejection.Stopping(lifetime.Retry())
            : HttpMethods.IsHead(context.Request.Method) ? null
            : admission.TryEnter(context, out permit);
    }

    private ConnectionSettings Open(HttpContext context, ConnectionRequest request, WireFormat format, Nonce nonce, ConnectionLease permit)
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        // A slow client has our own write deadline, which says why it ended.
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
        return new ConnectionSettings
        {
            Permit = permit,
            ResponseWriter = (ResponseWriter?)SocketResponseWriter.TryCreate(context) ?? new BodyResponseWriter(context),
            Format = format,
            Nonce = nonce,
            Server = server.Value,
            Own = request.Options,
            Start = request.Start,
            AuthenticationLifetime = AuthenticationLifetime(context),
        };
    }

    private TimeSpan? AuthenticationLifetime(HttpContext context) =>
        context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.ExpiresUtc - lifetime.Clock.Time.GetUtcNow();

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
        headers.ContentSecurityPolicy = $"default-src 'none'; script-src 'nonce-{text}'; connect-src 'self'; frame-ancestors 'self'";
    }
}
