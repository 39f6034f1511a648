namespace CometApp.Security;

/// <summary>The headers of every response: <c>app.UseSecurityHeaders()</c> writes them when it starts, on error pages too.</summary>
public static class SecurityHeaders
{
    private static readonly HeaderPolicyCollection OfPages = Create().AddContentSecurityPolicy(policy =>
    {
        policy.AddDefaultSrc().Self();
        policy.AddScriptSrc().Self().WithNonce();
        policy.AddConnectSrc().Self();
        policy.AddFrameSrc().Self();
        policy.AddFrameAncestors().Self();
        policy.AddObjectSrc().None();
        policy.AddBaseUri().Self();
        policy.AddFormAction().Self();
    });

    /// <summary>For streams, which set a content security policy of their own.</summary>
    private static readonly HeaderPolicyCollection OfStreams = Create();

    public static IServiceCollection AddSecurityHeaders(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddScoped<CspNonce>();
        services.AddSecurityHeaderPolicies().SetPolicySelector(context =>
            context.HttpContext.Response.Headers.ContainsKey("Content-Security-Policy") ? OfStreams : OfPages);
        return services;
    }

    private static HeaderPolicyCollection Create() => new HeaderPolicyCollection()
        .AddContentTypeOptionsNoSniff()
        .AddFrameOptionsSameOrigin()
        .AddReferrerPolicyStrictOriginWhenCrossOrigin()
        .AddPermissionsPolicy(policy =>
        {
            policy.AddCamera().None();
            policy.AddGeolocation().None();
            policy.AddMicrophone().None();
            policy.AddPayment().None();
            policy.AddUsb().None();
        })
        .AddCrossOriginOpenerPolicy(policy => policy.SameOrigin())
        .AddCrossOriginResourcePolicy(policy => policy.SameOrigin());
}
