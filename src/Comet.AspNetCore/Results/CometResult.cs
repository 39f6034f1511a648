using System.Reflection;
using System.Text.Json;
using Comet.AspNetCore.Results;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using HttpJsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;
using MvcJsonOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace Comet.AspNetCore;

/// <summary>
/// A response that stays open and calls a JavaScript function of the page for every message. Made by <see cref="CometResults"/>; for
/// minimal APIs and for actions. Its status is 200; a request that gets no stream is answered with 400, 401, 403, 429 or 503 and a
/// sentence that says why, or with 204 when the client has had the end of its sequence.
/// </summary>
/// <remarks>
/// An action or a delegate that is declared to return <see cref="CometResult"/>, or a task of one, is described to OpenAPI with its three
/// content types, and output caching and request timeouts leave it alone. Where less is declared, as <see cref="IResult"/> or
/// <see cref="IActionResult"/>, or where an action has an output cache policy of its own, keep them off yourself: output caching would let
/// a second visitor wait until the first one's stream ends.
/// </remarks>
public abstract class CometResult : IActionResult, IResult, IStatusCodeHttpResult, IEndpointMetadataProvider
{
    private protected CometResult()
    {
    }

    int? IStatusCodeHttpResult.StatusCode => StatusCodes.Status200OK;

    static void IEndpointMetadataProvider.PopulateMetadata(MethodInfo method, EndpointBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        StreamMetadata.AddTo(builder.Metadata);
    }

    /// <summary>
    /// Answers the request of a minimal API, with values as its JSON options write them. Completes when the source has completed, the
    /// client has left or the server has ended the stream.
    /// </summary>
    /// <param name="httpContext">The request.</param>
    /// <exception cref="InvalidOperationException">The app has not called <c>AddComet()</c>.</exception>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        return ExecuteAsync(
            httpContext, static services => services.GetRequiredService<IOptions<HttpJsonOptions>>().Value.SerializerOptions);
    }

    /// <summary>
    /// Answers the request of an action, with values as MVC's JSON options write them. Completes when the source has completed, the client
    /// has left or the server has ended the stream.
    /// </summary>
    /// <param name="context">The request and its action.</param>
    /// <exception cref="InvalidOperationException">The app has not called <c>AddComet()</c>.</exception>
    public Task ExecuteResultAsync(ActionContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ExecuteAsync(
            context.HttpContext, static services => services.GetRequiredService<IOptions<MvcJsonOptions>>().Value.JsonSerializerOptions);
    }

    private protected abstract Task ExecuteAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf);
}
