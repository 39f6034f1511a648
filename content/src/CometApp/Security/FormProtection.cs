using System.Threading.RateLimiting;
using Comet.AspNetCore;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Mvc;

namespace CometApp.Security;

/// <summary>What keeps forms from being posted by other sites, and from being posted too often.</summary>
public static class FormProtection
{
    /// <summary>The rate limit of actions that publish: <c>[EnableRateLimiting(FormProtection.PublishLimit)]</c>.</summary>
    public const string PublishLimit = "publish";

    /// <summary>
    /// Twenty at once, and then one every three seconds, for each visitor. Who is one visitor to the limits of streams is one here.
    /// </summary>
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
            limiter.AddPolicy(PublishLimit, context => RateLimitPartition.GetTokenBucketLimiter(
                (CometVisitor.Of(context), IsOfThisSite(context)), _ => Publishing));
        });
    }

    // What another site's page posts is refused, and uses up nothing of the visitor's own.
    private static bool IsOfThisSite(HttpContext context) =>
        context.Request.Headers.Origin.ToString().EndsWith($"//{context.Request.Host}", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// The cookie as it is set, before or after this; over HTTPS, unless its domain, path or name forbid it, one that no other host and
    /// no plain HTTP can set. Over HTTP, browsers take no such cookie.
    /// </summary>
    private sealed class HostCookie : CookieBuilder
    {
        private readonly IHttpContextAccessor _accessor;

        public HostCookie(CookieBuilder cookie, IHttpContextAccessor accessor)
        {
            _accessor = accessor;
            (Name, Path, Domain, IsEssential) = (cookie.Name, cookie.Path, cookie.Domain, cookie.IsEssential);
            (HttpOnly, SameSite, SecurePolicy) = (cookie.HttpOnly, cookie.SameSite, cookie.SecurePolicy);
            (Expiration, MaxAge) = (cookie.Expiration, cookie.MaxAge);
            foreach (var extension in cookie.Extensions)
            {
                Extensions.Add(extension);
            }
        }

        public override string? Name
        {
            get => IsOfHost ? $"__Host-{base.Name}" : base.Name;
            set => base.Name = value;
        }

        // Null: the path base. The prefix asks for the whole host.
        public override string? Path
        {
            get => IsOfHost ? "/" : base.Path;
            set => base.Path = value;
        }

        private bool IsOfHost => _accessor.HttpContext is { Request.IsHttps: true } && Domain is null && base.Path is null or "/" &&
            base.Name?.StartsWith("__", StringComparison.Ordinal) is false;

        public override CookieOptions Build(HttpContext context, DateTimeOffset expiresFrom)
        {
            var options = base.Build(context, expiresFrom);
            options.Secure |= context.Request.IsHttps;
            return options;
        }
    }
}
