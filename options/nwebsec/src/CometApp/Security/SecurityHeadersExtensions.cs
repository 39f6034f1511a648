namespace CometApp.Security;

public static class SecurityHeadersExtensions
{
    public static IServiceCollection AddSecurityHeaders(this IServiceCollection services) => services.AddScoped<CspNonce>();

    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app) =>
        app.UseNWebsec().UseMiddleware<SecurityHeadersMiddleware>();
}
