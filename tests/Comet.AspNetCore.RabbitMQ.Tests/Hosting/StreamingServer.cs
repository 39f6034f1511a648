using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>A server whose clients come over HTTP, with one family of feeds.</summary>
internal sealed class StreamingServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private StreamingServer(WebApplication app)
    {
        _app = app;
        _client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromMinutes(2) };
    }

    internal static async Task<StreamingServer> StartAsync(string connectionString, string family, ILoggerProvider messages)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.WebHost.UseUrls("http://127.0.0.1:0").UseCometTransport();
        builder.Logging.ClearProviders().AddProvider(messages).AddFilter("Comet.AspNetCore.RabbitMQ", LogLevel.Debug);
        builder.Services.AddComet(options => (options.MaxStreams, options.MaxStreamsPerAddress) = (null, null));
        builder.Services.AddKeyedFeeds<string>(family);
        builder.AddPatientRabbitMQ(connectionString, options => options.Partitions = 1);
        var app = builder.Build();
        app.MapGet("/{key}", (string key, KeyedFeeds<string> feeds) => CometResults.Feed(feeds.Get(key), "parent.received"));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new StreamingServer(app);
    }

    internal Feed<string> Feed(string key) => _app.Services.GetRequiredService<KeyedFeeds<string>>().Get(key);

    /// <summary>Opens the stream of a key with an id, reads that it was recovered, and this many messages, and leaves.</summary>
    internal async Task ResumeAsync(string key, FeedPosition after, int messages)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, key);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/x-ndjson"));
        request.Headers.Add("Last-Event-ID", after.ToString());
        using var response = await _client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        for (var (isOpen, left) = (false, messages); !isOpen || left > 0;)
        {
            var line = await lines.ReadLineAsync(TestContext.Current.CancellationToken);
            if (string.IsNullOrWhiteSpace(line))
            {
                Assert.NotNull(line);
                continue;
            }
            var message = JsonDocument.Parse(line).RootElement;
            switch (message.GetProperty("type").GetString())
            {
                case "open":
                    Assert.True(message.GetProperty("recovered").GetBoolean(), $"{key} was not recovered.");
                    isOpen = true;
                    break;
                case "message":
                    left--;
                    break;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
