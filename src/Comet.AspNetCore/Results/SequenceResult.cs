using System.Buffers;
using System.Text.Json;
using Comet.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Results;

/// <summary>A sequence of its own for each request.</summary>
internal sealed class SequenceResult<T>(
    IAsyncEnumerable<T> source,
    string callback,
    CometStreamOptions? options,
    Func<JsonSerializerOptions, Action<T, IBufferWriter<byte>>> encoder,
    bool scriptOnly = false) : CometResult
{
    private readonly IAsyncEnumerable<T> _source = source ?? throw new ArgumentNullException(nameof(source));

    // An open stream keeps nothing of its start.
    private protected override Task ExecuteAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf) =>
        StartAsync(context, jsonOf).Unwrap();

    // Returns a task that completes when the response has ended.
    private async Task<Task> StartAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf)
    {
        var services = context.RequestServices.GetService<ConnectionServices>() ??
            throw new InvalidOperationException("Comet streams need their services: call builder.Services.AddComet() in Program.cs.");
        var (request, rejection) = await ConnectionAcceptor.InspectAsync(
            context, new ConnectionRequest(callback, options, scriptOnly, End: SequencePosition.Ended));
        if (rejection is not null)
        {
            await rejection.WriteAsync(context);
            return Task.CompletedTask;
        }
        if (await services.Acceptor.AcceptAsync(context, request) is not { } settings)
        {
            return Task.CompletedTask;
        }
        try
        {
            var encode = encoder(options?.SerializerOptions ?? jsonOf(context.RequestServices));
            return new SequenceStream<T>(_source, encode, settings, services, context).RunAsync();
        }
        catch
        {
            settings.Lease.Dispose();
            await settings.Writer.EndReadingAsync(); // before the app answers what has failed
            throw;
        }
    }
}
