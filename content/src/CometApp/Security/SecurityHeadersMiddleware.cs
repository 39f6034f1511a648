namespace CometApp.Security;

/// <summary>Adds <see cref="SecurityHeaders"/> when the response starts, so that error pages have them too.</summary>
public sealed class SecurityHeadersMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(static state =>
        {
            var context = (HttpContext)state;
            var headers = context.Response.Headers;
            foreach (var (name, value) in SecurityHeaders.All)
            {
                headers.TryAdd(name, value);
            }
            if (!headers.ContainsKey("Content-Security-Policy"))
            {
                var nonce = context.RequestServices.GetRequiredService<CspNonce>().ToString();
                headers.ContentSecurityPolicy = SecurityHeaders.ContentSecurityPolicy.Replace("{nonce}", nonce, StringComparison.Ordinal);
            }
            return Task.CompletedTask;
        }, context);
        return next(context);
    }
}
