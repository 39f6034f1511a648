using System.Text.Encodings.Web;
using Comet.AspNetCore.Results;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Hosting;

/// <summary>What is served of the debug page: itself, its files, and the stream of its snapshots. All of it only reads.</summary>
internal static class DebugPageEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    // Its own, so that it is as strict in an app without a policy, and works in one whose scripts need a nonce.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

    private static readonly CometStreamOptions StreamOptions = new() { SerializerOptions = DebugPageJson.Default.Options };

    internal static void Map(RouteGroupBuilder group)
    {
        group.ExcludeFromDescription();
        ((IEndpointConventionBuilder)group).Add(static endpoint => StreamMetadata.AddTo(endpoint.Metadata)); // nothing of it is cached
        group.MapMethods("", Methods, WritePageAsync);
        foreach (var file in DebugPageFile.Served)
        {
            group.MapMethods(file.Name, Methods, file.WriteAsync);
        }
        group.MapMethods("stream", Methods, WriteSnapshotsAsync);
    }

    // The page's files have absolute paths, as its own address may end with a slash or not.
    private static Task WritePageAsync(HttpContext context)
    {
        var request = context.Request;
        var root = (request.PathBase + request.Path).ToUriComponent().TrimEnd('/');
        var app = context.RequestServices.GetRequiredService<IWebHostEnvironment>();
        context.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        return DebugPageFile.Page
            .With("{root}", HtmlEncoder.Default.Encode(root))
            .With("{app}", HtmlEncoder.Default.Encode(app.ApplicationName))
            .With("{environment}", HtmlEncoder.Default.Encode(app.EnvironmentName))
            .WriteAsync(context);
    }

    private static Task WriteSnapshotsAsync(HttpContext context)
    {
        var services = context.RequestServices;
        var query = context.Request.Query;
        var snapshots = services.GetRequiredService<DebugSnapshots>().ReadAsync(
            query["feed"].FirstOrDefault(), query["filter"].FirstOrDefault(), isPoll: query.ContainsKey("wait"));
        context.RequestServices = services.GetRequiredService<DebugPageServices>().Of(services);
        return CometResults.Json(snapshots, "parent.showSnapshot", StreamOptions).ExecuteAsync(context);
    }
}
