using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Connections;

/// <summary>Requests from pages of other sites, which get a stream where the app's CORS policy for it allows their origin.</summary>
internal static class CrossSiteRequests
{
    /// <summary>Why a request gets no stream; null: it is no such request, or it may have one.</summary>
    internal static ValueTask<Rejection?> InspectAsync(HttpContext context) =>
        context.Request.Headers["Sec-Fetch-Site"] == "cross-site" ? InspectOriginAsync(context) : default;

    private static async ValueTask<Rejection?> InspectOriginAsync(HttpContext context) =>
        await FindPolicyAsync(context) is { } policy &&
        context.RequestServices.GetRequiredService<ICorsService>().EvaluatePolicy(context, policy).IsOriginAllowed
            ? null
            : Rejection.CrossSite;

    // As the CORS middleware finds it, whose header is not there before the response starts. A policy that an app gives to UseCors
    // itself is known to that middleware only.
    private static async Task<CorsPolicy?> FindPolicyAsync(HttpContext context)
    {
        var cors = context.GetEndpoint()?.Metadata.GetMetadata<ICorsMetadata>();
        return cors is IDisableCorsAttribute || context.RequestServices.GetService<ICorsPolicyProvider>() is not { } policies ? null
            : cors is ICorsPolicyMetadata own ? own.Policy
            : await policies.GetPolicyAsync(context, (cors as IEnableCorsAttribute)?.PolicyName);
    }
}
