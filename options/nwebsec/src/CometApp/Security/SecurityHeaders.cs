namespace CometApp.Security;

/// <summary>The headers of every response. One that sets a header itself, as streams do with their policy, keeps its own.</summary>
public static class SecurityHeaders
{
    /// <summary>Where the nonce goes. NWebsec writes its policy once, and takes only what looks like a source.</summary>
    private const string NoncePlaceholder = "nonce-placeholder.invalid";

    /// <summary>What NWebsec has no method for.</summary>
    private static readonly IReadOnlyList<(string Name, string Value)> Others =
    [
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ];

    public static IServiceCollection AddSecurityHeaders(this IServiceCollection services) => services.AddScoped<CspNonce>();

    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app) => app
        .UseXContentTypeOptions()
        .UseXfo(frames => frames.SameOrigin())
        .UseReferrerPolicy(referrer => referrer.StrictOriginWhenCrossOrigin())
        .UseCsp(policy => policy
            .DefaultSources(sources => sources.Self())
            .ScriptSources(sources => sources.Self().CustomSources(NoncePlaceholder))
            .ConnectSources(sources => sources.Self())
            .FrameSources(sources => sources.Self())
            .FrameAncestors(sources => sources.Self())
            .ObjectSources(sources => sources.None())
            .BaseUris(sources => sources.Self())
            .FormActions(sources => sources.Self()))
        .Use(CompleteAsync);

    /// <summary>
    /// Completes what NWebsec wrote when the response starts: the nonce, the headers it does not know, and all of them on error pages.
    /// </summary>
    private static Task CompleteAsync(HttpContext context, RequestDelegate next)
    {
        // NWebsec has written its headers by now; the exception handler clears them.
        var written = context.Response.Headers.ToArray();
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            foreach (var (name, value) in written)
            {
                headers.TryAdd(name, value);
            }
            foreach (var (name, value) in Others)
            {
                headers.TryAdd(name, value);
            }
            var nonce = context.RequestServices.GetRequiredService<CspNonce>();
            headers.ContentSecurityPolicy = headers.ContentSecurityPolicy.ToString()
                .Replace(NoncePlaceholder, $"'nonce-{nonce}'", StringComparison.Ordinal);
            return Task.CompletedTask;
        });
        return next(context);
    }
}
