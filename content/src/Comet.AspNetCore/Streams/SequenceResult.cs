using System.Buffers;
using System.Text.Json;
using Comet.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.Streams;

/// <summary>A sequence of its own for each request.</summary>
internal sealed class SequenceResult<T>(
    IAsyncEnumerable<T> source,
    byte[] callback,
    CometOptions? options,
    Func<JsonSerializerOptions, Action<T, IBufferWriter<byte>>> encoder,
    bool scriptOnly = false) : CometResult
{
    private readonly IAsyncEnumerable<T> _source = source ?? throw new ArgumentNullException(nameof(source));

    private protected override async Task ExecuteAsync(HttpContext context, JsonSerializerOptions json)
    {
        if (await Service<StreamGate>(context).OpenAsync(context, new StreamRequest(callback, options, scriptOnly)) is not { } opening)
        {
            return;
        }
        using var permit = opening.Permit;
        var lifetime = Service<StreamLifetime>(context);
        using var stream = new SequenceStream<T>(_source, encoder(json), opening, lifetime, Service<CometMetrics>(context), context);
        await stream.RunAsync(Service<ILogger<CometResult>>(context));
    }
}
