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

    private protected override async Task ExecuteAsync(HttpContext context, Func<IServiceProvider, JsonSerializerOptions> jsonOf)
    {
        var services = context.RequestServices.GetService<ConnectionServices>() ??
            throw new InvalidOperationException("Comet streams need their services: call builder.Services.AddComet() in Program.cs.");
        var (request, rejection) = await ConnectionAcceptor.InspectAsync(
            context, new ConnectionRequest(callback, options, scriptOnly, End: SequencePosition.Ended));
        if (rejection is not null)
        {
            await rejection.WriteAsync(context);
            return;
        }
        if (await services.Acceptor.AcceptAsync(context, request) is not { } settings)
        {
            return;
        }
        using var lease = settings.Lease;
        var encode = encoder(options?.SerializerOptions ?? jsonOf(context.RequestServices));
        using var stream = new SequenceStream<T>(_source, encode, settings, services, context);
        await stream.RunAsync();
    }
}
