using System.Text.Json;
using Comet.AspNetCore.Streams;
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
        return ExecuteAsync(httpContext, httpContext.RequestServices.GetRequiredService<IOptions<HttpJsonOptions>>().Value.SerializerOptions);
    }

    /// <summary>Streams until the source completes, the client goes away or the server ends the stream. Serves MVC.</summary>
    public Task ExecuteResultAsync(ActionContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var services = context.HttpContext.RequestServices;
        return ExecuteAsync(context.HttpContext, services.GetRequiredService<IOptions<MvcJsonOptions>>().Value.JsonSerializerOptions);
    }

    private protected abstract Task ExecuteAsync(HttpContext context, JsonSerializerOptions json);

    private protected static T Service<T>(HttpContext context) where T : class =>
        context.RequestServices.GetService<T>() ??
        throw new InvalidOperationException("Comet streams need their services: call builder.Services.AddComet() in Program.cs.");
}
