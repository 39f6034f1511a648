namespace CometApp.Security;

/// <summary>The headers of every response. One that sets a header itself, as streams do with their policy, keeps its own.</summary>
public static class SecurityHeaders
{
    /// <summary>What pages may load and run; <c>{nonce}</c> is fresh in every response.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'self'; " +
        "script-src 'self' 'nonce-{nonce}'; " +
        "connect-src 'self'; " +
        "frame-src 'self'; " +
        "frame-ancestors 'self'; " +
        "object-src 'none'; " +
        "base-uri 'self'; " +
        "form-action 'self'";

    private static readonly IReadOnlyList<(string Name, string Value)> Others =
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ];

    public static IServiceCollection AddSecurityHeaders(this IServiceCollection services) => services.AddScoped<CspNonce>();

    /// <summary>Adds them when the response starts, so that error pages have them too.</summary>
    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(static state => AddAsync((HttpContext)state), context);
        return next(context);
    });

    private static Task AddAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        foreach (var (name, value) in Others)
        {
            headers.TryAdd(name, value);
        }
        if (!headers.ContainsKey("Content-Security-Policy"))
        {
            var nonce = context.RequestServices.GetRequiredService<CspNonce>().ToString();
            headers.ContentSecurityPolicy = ContentSecurityPolicy.Replace("{nonce}", nonce, StringComparison.Ordinal);
        }
        return Task.CompletedTask;
    }
}
