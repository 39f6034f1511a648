using System.Net;
using Comet.AspNetCore;
using Comet.AspNetCore.Testing;
using Comet.DocsTests.Proxies;
using Comet.TestUtilities;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Comet.DocsTests;

/// <summary>Streams behind a real nginx that has the configuration of docs/operations.md, and compresses whatever it may.</summary>
[Trait("Category", "Matrix")]
public sealed class NginxTests : IAsyncLifetime
{
    private WebApplication _app = null!;

    private Feed<string> News => _app.Services.GetRequiredService<Feed<string>>();

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseCometTransport().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration["Comet:Heartbeat"] = "00:10:00"; // nothing but the messages is written
        builder.Services.AddFeed<string>("news");
        _app = builder.Build();
        _app.MapGet("/news", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
        _app.MapGet("/page", () => Results.Text(new string('x', 10_000)));
        await _app.StartAsync();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Theory]
    [InlineData(CometFormat.ScriptTags)]
    [InlineData(CometFormat.ServerSentEvents)]
    [InlineData(CometFormat.Ndjson)]
    public async Task Messages_arrive_one_by_one_and_a_client_resumes(CometFormat format)
    {
        await using var nginx = await Nginx.StartAsync(new Uri(_app.Urls.Single()));
        using var client = CreateClient(nginx);
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        string? first = null;
        await using (var stream = CometReader.ReadAsync(client, "/news", format).GetAsyncEnumerator(deadline.Token))
        {
            Assert.Equal(CometMessageKind.Open, (await NextAsync(stream)).Kind);
            for (var i = 1; i <= 5; i++)
            {
                await Task.Delay(200);
                await News.PublishAsync($"message {i}");

                var message = await NextAsync(stream); // before the next is published
                Assert.Equal($"message {i}", message.Value.GetString());
                first ??= message.Id;
            }
        }

        await using var resumed = CometReader.ReadAsync(client, "/news", format, first).GetAsyncEnumerator(deadline.Token);
        Assert.True((await NextAsync(resumed)).Recovered);
        for (var i = 2; i <= 5; i++)
        {
            Assert.Equal($"message {i}", (await NextAsync(resumed)).Value.GetString());
        }
    }

    [Fact]
    public async Task Other_responses_are_compressed()
    {
        await using var nginx = await Nginx.StartAsync(new Uri(_app.Urls.Single()));
        using var client = CreateClient(nginx);

        using var response = await client.GetAsync("/page");

        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
    }

    private static HttpClient CreateClient(Nginx nginx)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AutomaticDecompression = DecompressionMethods.None })
        {
            BaseAddress = nginx.Url,
        };
        client.DefaultRequestHeaders.Add("Accept-Encoding", "gzip");
        return client;
    }

    private static async Task<CometMessage> NextAsync(IAsyncEnumerator<CometMessage> stream)
    {
        Assert.True(await stream.MoveNextAsync(), "The stream ended.");
        return stream.Current;
    }
}
