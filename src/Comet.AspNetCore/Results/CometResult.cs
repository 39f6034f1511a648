using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using HttpJsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;
using MvcJsonOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace Comet.AspNetCore;

/// <summary>A response that stays open and calls a JavaScript function of the page for every message. Made by <see cref="CometResults"/>.</summary>
public abstract class CometResult : IActionResult, IResult
{
    private protected CometResult()
    {
    }

    /// <summary>Streams until the source completes, the client goes away or the server ends the stream. Serves minimal APIs.</summary>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        return ExecuteAsync(httpContext, static services => services.GetRequiredService<IOptions<HttpJsonOptions>>().Value.SerializerOptions);
    }

    /// <summary>Streams until the source completes, the client goes away or the server ends the stream. Serves MVC.</summary>
    public Task ExecuteResultAsync(ActionContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ExecuteAsync(context.HttpContext, static services => services.GetRequiredService<IOptions<MvcJsonOptions>>().Value.JsonSerializerOptions);
    }

    private protected abstract Task ExecuteAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf);
}
