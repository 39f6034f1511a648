using System.Net.Sockets;
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
            antiforgery.Cookie = new AntiforgeryCookie(antiforgery.Cookie.Name!, accessor));
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

    private static string VisitorOf(HttpContext context) => context.User.Identity?.Name ?? context.Connection.RemoteIpAddress switch
    {
        null => "",
        // Whoever has IPv6 has a network of 2^64 addresses.
        { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address =>
            Convert.ToHexString(address.GetAddressBytes(), 0, 8),
        var address => address.ToString(),
    };

    /// <summary>Over HTTPS, a cookie that no other host and no plain HTTP can set. Over HTTP, browsers take no such cookie.</summary>
    private sealed class AntiforgeryCookie : CookieBuilder
    {
        private readonly string _name;
        private readonly IHttpContextAccessor _accessor;

        internal AntiforgeryCookie(string name, IHttpContextAccessor accessor)
        {
            (_name, _accessor) = (name, accessor);
            SameSite = SameSiteMode.Strict;
            HttpOnly = true;
            IsEssential = true;
            SecurePolicy = CookieSecurePolicy.SameAsRequest;
        }

        public override string? Name => IsHttps ? $"__Host-{_name}" : _name;

        // Null: the path base. The prefix asks for the whole host.
        public override string? Path => IsHttps ? "/" : null;

        private bool IsHttps => _accessor.HttpContext is { Request.IsHttps: true };
    }
}
