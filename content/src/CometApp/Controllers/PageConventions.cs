using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.Routing.Matching;

namespace CometApp.Controllers;

/// <summary>What holds for every page, added ones too.</summary>
public static class PageConventions
{
    public static IServiceCollection AddPageConventions(this IServiceCollection services) =>
        services.Configure<MvcOptions>(mvc => mvc.Filters.Add(new BrowserOnlyFilter())).AddSingleton<MatcherPolicy, OwnHeadPolicy>();

    /// <summary>Lets an action that answers GET answer HEAD, too, unless another one does at the same address.</summary>
    public static IEndpointConventionBuilder WithHead(this IEndpointConventionBuilder endpoints)
    {
        endpoints.Add(endpoint =>
        {
            var methods = endpoint.Metadata.OfType<IHttpMethodMetadata>().LastOrDefault();
            if (methods is not null && methods.HttpMethods.Contains(HttpMethods.Get) && !methods.HttpMethods.Contains(HttpMethods.Head))
            {
                endpoint.Metadata.Add(new HttpMethodMetadata([.. methods.HttpMethods, HttpMethods.Head], methods.AcceptCorsPreflight));
                endpoint.Metadata.Add(new AddedHead());
            }
        });
        return endpoints;
    }

    /// <summary>Keeps endpoints out of output caching, unless they have an <c>[OutputCache]</c> of their own.</summary>
    public static void WithoutOutputCache(this IEndpointConventionBuilder endpoints) =>
        // The last one counts, so that this one comes first.
        endpoints.Add(endpoint => endpoint.Metadata.Insert(0, new OutputCacheAttribute { NoStore = true }));

    private sealed class AddedHead;

    /// <summary>Leaves a HEAD request to the action that is there for it.</summary>
    private sealed class OwnHeadPolicy : MatcherPolicy, IEndpointComparerPolicy
    {
        public override int Order => 0;

        public IComparer<Endpoint> Comparer { get; } =
            Comparer<Endpoint>.Create(static (one, other) => IsAdded(one).CompareTo(IsAdded(other)));

        private static bool IsAdded(Endpoint endpoint) => endpoint.Metadata.GetMetadata<AddedHead>() is not null;
    }

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
