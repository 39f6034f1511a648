using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.OutputCaching;

namespace CometApp.Controllers;

/// <summary>What holds for every page, added ones too.</summary>
public static class PageConventions
{
    public static IServiceCollection AddPageConventions(this IServiceCollection services) =>
        services.Configure<MvcOptions>(mvc => mvc.Filters.Add(new BrowserOnlyFilter()));

    /// <summary>Keeps actions out of output caching, unless they have an <c>[OutputCache]</c> of their own.</summary>
    public static void WithoutOutputCache(this IEndpointConventionBuilder endpoints) =>
        // The last one counts, so that this one comes first.
        endpoints.Add(endpoint => endpoint.Metadata.Insert(0, new OutputCacheAttribute { NoStore = true }));

    private sealed class BrowserOnlyFilter : ResultFilterAttribute
    {
        public override void OnResultExecuting(ResultExecutingContext context)
        {
            if (context.Result is not ViewResult || context.ActionDescriptor.EndpointMetadata.OfType<ResponseCacheAttribute>().Any())
            {
                return;
            }
            // At the start of the response, because a form's token says no-store, which costs the page its way back by the Back button.
            context.HttpContext.Response.OnStarting(static state =>
            {
                var headers = ((HttpResponse)state).Headers;
                headers.CacheControl = "private, no-cache";
                headers.Pragma = default;
                return Task.CompletedTask;
            }, context.HttpContext.Response);
        }
    }
}
