using System.Diagnostics.CodeAnalysis;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Comet.AspNetCore;

/// <summary>Maps what the library serves by itself.</summary>
public static class CometEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps the debug page: open streams, feeds and their newest messages, slow clients, rejected requests, and why streams ended; live. In
    /// Development only: in any other environment this maps nothing, and the path is 404, unless the app says otherwise.
    /// </summary>
    /// <param name="endpoints">The app.</param>
    /// <param name="pattern">Where the page is. Its files and its stream are below it.</param>
    /// <param name="outsideDevelopment">
    /// True: in every environment. The page shows messages, keys of families, users and addresses, so let operators in only: the result
    /// takes <c>.RequireAuthorization("operators")</c>, which holds for all of the page.
    /// </param>
    /// <returns>For conventions of the page, its files and its stream, such as an authorization policy.</returns>
    /// <exception cref="ArgumentException"><paramref name="pattern"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">The app has not called <c>AddComet()</c>.</exception>
    public static IEndpointConventionBuilder MapCometDebugPage(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/_comet", bool outsideDevelopment = false)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        if (endpoints.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(typeof(ConnectionServices)) is false)
        {
            throw new InvalidOperationException("The debug page shows Comet streams: call builder.Services.AddComet() in Program.cs.");
        }
        var group = endpoints.MapGroup(pattern);
        if (outsideDevelopment || endpoints.ServiceProvider.GetRequiredService<IWebHostEnvironment>().IsDevelopment())
        {
            DebugPageEndpoints.Map(group);
        }
        return group;
    }
}
