namespace CometApp.Security;

/// <summary>
/// Completes what NWebsec wrote when the response starts: the nonce, the headers it does not know, and all of them on error pages.
/// </summary>
public sealed class SecurityHeadersMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
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
            foreach (var (name, value) in SecurityHeaders.Others)
            {
                headers.TryAdd(name, value);
            }
            var nonce = context.RequestServices.GetRequiredService<CspNonce>();
            headers.ContentSecurityPolicy = headers.ContentSecurityPolicy.ToString()
                .Replace(SecurityHeaders.NoncePlaceholder, $"'nonce-{nonce}'", StringComparison.Ordinal);
            return Task.CompletedTask;
        });
        return next(context);
    }
}
