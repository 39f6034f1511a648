using System.Net;
using System.Net.Sockets;
using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;

namespace CometApp.Security;

/// <summary>What keeps forms from being posted by other sites, and from being posted too often.</summary>
public static class FormProtection
{
    /// <summary>The rate limit of actions that publish: <c>[EnableRateLimiting(FormProtection.PublishLimit)]</c>.</summary>
    public const string PublishLimit = "publish";

    /// <summary>Twenty at once, and then one every three seconds, for each visitor.</summary>
    private static readonly TokenBucketRateLimiterOptions Publishing = new()
    {
        TokenLimit = 20,
        TokensPerPeriod = 1,
        ReplenishmentPeriod = TimeSpan.FromSeconds(3),
    };

    public static IServiceCollection AddFormProtection(this IServiceCollection services)
    {
        services.Configure<MvcOptions>(mvc => mvc.Filters.Add(new AutoValidateAntiforgeryTokenAttribute()));
        services.AddHttpContextAccessor();
        services.AddOptions<AntiforgeryOptions>().PostConfigure<IHttpContextAccessor>((antiforgery, accessor) =>
            antiforgery.Cookie = new HostCookie(antiforgery.Cookie, accessor));
        return services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = (context, _) =>
            {
                context.HttpContext.Response.Headers.RetryAfter = $"{Publishing.ReplenishmentPeriod.TotalSeconds}";
                return ValueTask.CompletedTask;
            };
            limiter.AddPolicy(PublishLimit, context => RateLimitPartition.GetTokenBucketLimiter(VisitorOf(context), _ => Publishing));
        });
    }

    /// <summary>Who is one visitor to <c>Comet:MaxStreamsPerAddress</c> and <c>Comet:MaxStreamsPerUser</c> is one here.</summary>
    private static (string? User, IPAddress? Address) VisitorOf(HttpContext context) =>
        UserOf(context.User) is { } user ? (user, null) : (null, AddressOf(context.Connection));

    private static string? UserOf(ClaimsPrincipal user) => user.Identity is { IsAuthenticated: true }
        ? user.FindFirstValue(ClaimTypes.NameIdentifier) ?? user.FindFirstValue("sub") ?? user.Identity.Name
        : null;

    private static IPAddress? AddressOf(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        { IsIPv4MappedToIPv6: true } address => address.MapToIPv4(),
        // Whoever has IPv6 has a network of 2^64 addresses.
        { AddressFamily: AddressFamily.InterNetworkV6 } address => new([.. address.GetAddressBytes()[..8], .. new byte[8]]),
        var address => address,
    };

    /// <summary>
    /// The cookie as it was set; over HTTPS, unless its domain, path or name forbid it, one that no other host and no plain HTTP can set.
    /// Over HTTP, browsers take no such cookie.
    /// </summary>
    private sealed class HostCookie(CookieBuilder cookie, IHttpContextAccessor accessor) : CookieBuilder
    {
        public override string? Name => IsOfHost ? $"__Host-{cookie.Name}" : cookie.Name;

        // Null: the path base. The prefix asks for the whole host.
        public override string? Path => IsOfHost ? "/" : cookie.Path;

        public override CookieSecurePolicy SecurePolicy => cookie.SecurePolicy;

        private bool IsOfHost => accessor.HttpContext is { Request.IsHttps: true } &&
            cookie is { Domain: null, Path: null or "/", Name: var name } && name?.StartsWith("__", StringComparison.Ordinal) is false;

        public override CookieOptions Build(HttpContext context, DateTimeOffset expiresFrom)
        {
            var options = cookie.Build(context, expiresFrom);
            options.Secure |= context.Request.IsHttps;
            return options;
        }
    }
}
