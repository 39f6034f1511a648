using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CometTemplate.Tests.Apps;

/// <summary>Takes what OpenTelemetry's protocol brings over HTTP.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<string>> _received = new();

    private Collector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            // Names and text values stand in protobuf as they are.
            _received.GetOrAdd(signal, _ => new()).Enqueue(Encoding.UTF8.GetString(body.ToArray()));
        });
    }

    internal string Url => _app.Urls.Single();

    internal static async Task<Collector> StartAsync()
    {
        var collector = new Collector();
        await collector._app.StartAsync();
        return collector;
    }

    /// <summary>Waits for an export of metrics or traces that holds all these texts.</summary>
    internal async Task WaitForAsync(string signal, params string[] texts)
    {
        var deadline = DateTime.UtcNow + RunningApp.Patience;
        while (!_received.GetValueOrDefault(signal, []).Any(export => texts.All(text => export.Contains(text, StringComparison.Ordinal))))
        {
            Assert.True(DateTime.UtcNow < deadline, $"No {signal} with {string.Join(", ", texts)} arrived.");
            await Task.Delay(100);
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
