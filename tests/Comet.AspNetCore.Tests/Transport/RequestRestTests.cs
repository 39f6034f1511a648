using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>
/// What a client sends after its request, while its stream is open, does not gather, and does not hide that the client has left.
/// </summary>
public class RequestRestTests
{
    private const int Much = 2_000_000;

    private static readonly string[] Ndjson = ["Accept: application/x-ndjson"];

    public static MatrixTheoryData<string, string> Streams => new(["Direct", "Attached", "Portable"], ["/feed", "/sequence"]);

    [Theory, MemberData(nameof(Streams))]
    public async Task Much_of_it_closes_the_connection(string wire, string path)
    {
        await using var app = await StartAsync(wire);
        await using var connection = await RawConnection.OpenAsync(app.Url, path, Ndjson);
        await connection.ReadChunkAsync();
        Assert.Equal(1, app.OpenStreams);

        await SendAsync(connection, Much);

        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nzz", 400)]
    [InlineData("Content-Length: 40000000", 413)]
    public async Task A_body_that_cannot_be_read_is_the_fault_of_the_client(string header, int status)
    {
        await using var app = await StartAsync("Direct");

        await using var connection = await RawConnection.OpenAsync(app.Url, "/feed", [header]);

        Assert.StartsWith($"HTTP/1.1 {status}", connection.Head);
        Assert.Equal(0, app.OpenStreams);
        await app.StopWithoutErrorAsync();
    }

    [Fact]
    public async Task Much_of_it_closes_a_TLS_connection()
    {
        await using var app = await StartAsync("Tls");
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(app.Url.Host, app.Url.Port).WithPatience();
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(app.Url.Host).WithPatience();
        await tls.WriteAsync(Encoding.ASCII.GetBytes("GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n")).AsTask().WithPatience();
        await tls.ReadExactlyAsync(new byte[1000]).AsTask().WithPatience();
        Assert.Equal(1, app.OpenStreams);

        try
        {
            await tls.WriteAsync(new byte[Much]).AsTask().WithPatience();
        }
        catch (IOException)
        {
            // It is closed while this is sent.
        }

        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
    }

    [Theory, MemberData(nameof(Streams))]
    public async Task A_little_of_it_closes_the_connection_after_the_response(string wire, string path)
    {
        await using var app = await StartAsync(wire);
        await using var connection = await RawConnection.OpenAsync(app.Url, path, Ndjson);
        await connection.ReadChunkAsync();

        await connection.SendAsync("GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await Task.Delay(100, TestContext.Current.CancellationToken); // so that it has been read while the stream is open
        Assert.Equal(1, app.OpenStreams);
        app.Services.GetRequiredService<Source<string>>().Complete();
        await app.PublishAsync(new string('x', 5000)); // more than MaxBytes
        await connection.ReadBodyAsync();

        Assert.Equal(0, await connection.ReadToEndAsync());
        await app.StopWithoutErrorAsync();
    }

    /// <summary>The next request comes as soon as the client has the end of the stream, head and body in one piece or in two.</summary>
    [Theory]
    [InlineData("Direct", "application/x-ndjson")]
    [InlineData("Direct", "text/event-stream")]
    [InlineData("Portable", "application/x-ndjson", Traits = ["Category", "Matrix"])]
    [InlineData("Tls", "application/x-ndjson", Traits = ["Category", "Matrix"])]
    public async Task A_thousand_polls_by_POST_share_one_connection(string wire, string accept)
    {
        await using var app = await StartAsync(wire);
        await app.PublishAsync("seen");
        var connections = 0;
        using var client = CreateClient(app, () => connections++);
        for (var i = 0; i < 1000; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/feeds?wait=0&last=1")
            {
                Headers = { { "Accept", accept } },
                Content = new FormUrlEncodedContent([new("feed", "news")]),
            };
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken).WithPatience();
            Assert.True(response.IsSuccessStatusCode, $"Poll {i} was answered {response.StatusCode}.");
            Assert.Contains("seen", await response.Content.ReadAsStringAsync().WithPatience(), StringComparison.Ordinal);
        }
        Assert.Equal(1, connections);
        await app.StopWithoutErrorAsync();
    }

    /// <summary>The next request comes as soon as the client has the refusal.</summary>
    [Theory]
    [InlineData("Direct", 204)]
    [InlineData("Portable", 204)]
    [InlineData("Direct", 503)]
    [InlineData("Portable", 503)]
    [InlineData("Direct", 500)]
    [InlineData("Portable", 500)]
    public async Task A_refusal_leaves_the_connection_to_the_next_request(string wire, int status)
    {
        const int Rounds = 500;
        var store = new ScriptedStore { IsUnavailable = status == 503 };
        store.With(["1"]).BeforeRead = static () => throw new InvalidTimeZoneException("The store fails.");
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet("/plain", () => "plain");
            },
            builder => builder.Services
                .AddSingleton<IFeedStore>(store)
                .AddFeed<string>("news", feed => feed.InMemory = status == 204),
            Enum.Parse<Wire>(wire));
        var id = status == 204 ? await CompleteAsync(app) : "earliest";
        var connections = 0;
        using var client = CreateClient(app, () => connections++);

        for (var i = 0; i < Rounds; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/feed");
            request.Headers.Accept.ParseAdd(status == 204 ? "text/event-stream" : "application/x-ndjson");
            request.Headers.Add("Last-Event-ID", id);
            using var refusal = await client.SendAsync(request, TestContext.Current.CancellationToken).WithPatience();
            Assert.Equal(status, (int)refusal.StatusCode);
            Assert.Equal("plain", await client.GetStringAsync("/plain").WithPatience());
        }
        Assert.Equal(1, connections);
    }

    [Theory]
    [InlineData("Attached", "GET", "Content-Length: 2000000")]
    [InlineData("Portable", "GET", "Content-Length: 2000000")]
    [InlineData("Attached", "POST", "Content-Length: 2000000")]
    [InlineData("Portable", "POST", "Transfer-Encoding: chunked")]
    [InlineData("Attached", "POST", "Transfer-Encoding: chunked")]
    public async Task A_body_that_nobody_reads_is_thrown_away(string wire, string method, string header)
    {
        var isChunked = header.EndsWith("chunked", StringComparison.Ordinal);
        await using var app = await StartAsync(wire);
        await using var connection = await RawConnection.ConnectAsync(app.Url, "/feed", [.. Ndjson, header], method);

        if (isChunked)
        {
            await connection.SendAsync(Much.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
        }
        await SendAsync(connection, Much);
        await connection.SendAsync(isChunked ? "\r\n0\r\n\r\n" : "");
        await connection.ReadHeadAsync();
        await connection.ReadChunkAsync();
        await app.PublishAsync("seen");
        Assert.Contains("seen", await connection.ReadChunkAsync());
        await app.PublishAsync(new string('x', 5000)); // more than MaxBytes, so the stream ends
        await connection.ReadBodyAsync();

        await connection.SendAsync("GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await connection.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 200", connection.Head);
        await app.StopWithoutErrorAsync();
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Portable")]
    public async Task Much_that_follows_a_body_closes_the_connection(string wire)
    {
        await using var app = await StartAsync(wire);
        await using var connection = await RawConnection.OpenAsync(app.Url, "/feed", [.. Ndjson, "Content-Length: 0"], "POST");
        await connection.ReadChunkAsync();

        await SendAsync(connection, Much);

        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
    }

    [Fact]
    public async Task Much_that_comes_as_the_stream_leaves_its_request_closes_the_connection()
    {
        var leaving = new TaskCompletionSource();
        await using var app = await StartAsync("Direct", async context =>
        {
            leaving.SetResult();
            await Task.Delay(Eventually.Patience, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        await using var connection = await RawConnection.OpenAsync(app.Url, "/feed", Ndjson);
        await connection.ReadChunkAsync();
        await leaving.Task.WithPatience();

        await SendAsync(connection, 200_000); // less than the server reads ahead: nothing of it is left for whoever reads next

        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
    }

    [Fact]
    public async Task A_body_without_an_end_has_the_place_of_one_stream_until_its_client_leaves()
    {
        await using var app = await StartAsync("Direct");
        await using (var connection = await RawConnection.ConnectAsync(app.Url, "/feed", [.. Ndjson, "Content-Length: 5000000"], "POST"))
        {
            await SendAsync(connection, Much);
            await Eventually.HoldsAsync(() => app.OpenStreams == 1, "its place is taken");
        }
        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Portable")]
    [InlineData("Tls")]
    [InlineData("Http10")]
    [InlineData("Http2")]
    public async Task A_connection_serves_streams_one_after_the_other(string wire)
    {
        await using var app = await StartAsync(wire);
        for (var i = 0; i < 3; i++)
        {
            await using var stream = await app.OpenAsync("/feed", CometFormat.Ndjson);
            await stream.NextAsync(CometMessageKind.Open);
            await app.PublishAsync(new string('x', 5000)); // more than MaxBytes
            await stream.RestAsync();
        }
        await app.StopWithoutErrorAsync();
    }

    private static async Task<TestApp> StartAsync(string wire, Func<HttpContext, Task>? afterwards = null)
    {
        var source = new Source<string>();
        return await TestApp.StartAsync(
            app =>
            {
                app.Use(async (context, next) =>
                {
                    await next(context);
                    await (afterwards?.Invoke(context) ?? Task.CompletedTask);
                });
                app.MapMethods("/feed", ["GET", "POST"], (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapPost("/feeds", (Feed<string> news) => CometResults.Feeds([news], "parent.f"));
                app.MapGet("/sequence", () => CometResults.String(source.ReadAsync(), "parent.f"));
                app.MapGet("/plain", () => "plain");
            },
            builder =>
            {
                builder.Configuration["Comet:MaxBytes"] = "5000";
                builder.Services.AddFeed<string>("news");
                builder.Services.AddSingleton(source);
            },
            Enum.Parse<Wire>(wire));
    }

    // Returns the id of the end.
    private static async Task<string> CompleteAsync(TestApp app)
    {
        await app.PublishAsync("x");
        await app.News().CompleteAsync();
        using var ended = await app.GetAsync("/feed?last=1", ("Accept", "text/event-stream"));
        var lines = (await ended.Content.ReadAsStringAsync()).Split('\n');
        return lines.Last(line => line.StartsWith("id: ", StringComparison.Ordinal))["id: ".Length..];
    }

    private static HttpClient CreateClient(TestApp app, Action connected)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
            ConnectCallback = async (context, cancellationToken) =>
            {
                connected();
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { BaseAddress = app.Url };
    }

    private static async Task SendAsync(RawConnection connection, int bytes)
    {
        try
        {
            await connection.SendAsync(new string(' ', bytes));
        }
        catch (SocketException)
        {
            // It is closed while this is sent.
        }
    }
}
