using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>How far down a stream writes: to the socket itself only where nothing else must see its bytes.</summary>
public class CometTransportTests
{
    private const string Response = "the response";

    [Theory]
    [InlineData("Direct", nameof(SocketResponseWriter))]
    [InlineData("Attached", nameof(SocketResponseWriter))]
    [InlineData("Tls", nameof(ConnectionResponseWriter))]
    [InlineData("Portable", Response)]
    [InlineData("Http10", Response)]
    [InlineData("Http2", Response)]
    public async Task It_is_for_HTTP_1_1(string wire, string writer)
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", WriterOf), wire: Enum.Parse<Wire>(wire));

        Assert.Equal(OperatingSystem.IsWindows() ? Response : writer, await WriterOfAsync(app));
    }

    [Fact]
    public async Task It_is_not_for_a_body_that_a_middleware_wraps()
    {
        await using var app = await TestApp.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                context.Response.Body = new BufferedStream(context.Response.Body, 1);
                return next(context);
            });
            app.MapGet("/", WriterOf);
        });

        Assert.Equal(Response, await WriterOfAsync(app));
    }

    [Theory]
    [InlineData("Tls", false)]
    [InlineData("Http2", true)]
    public async Task What_streams_that_share_a_connection_flush_leaves_together(string wire, bool gathers)
    {
        SocketPipeWriter? output = null;
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/news", (HttpContext context, Feed<string> news) =>
            {
                output = context.Features.Get<SocketPipeWriter>();
                return CometResults.Feed(news, "parent.f");
            }),
            builder => builder.Services.AddFeed<string>("news"),
            wire: Enum.Parse<Wire>(wire));
        await using var first = await app.OpenAsync("/news", CometFormat.Ndjson);
        await first.NextAsync(CometMessageKind.Open);
        await using var second = await app.OpenAsync("/news", CometFormat.Ndjson);
        await second.NextAsync(CometMessageKind.Open);

        foreach (var text in new[] { "one", "two", new string('x', 100_000) })
        {
            await app.PublishAsync(text);

            Assert.Equal($"\"{text}\"", (await first.NextAsync(CometMessageKind.Message)).Text);
            Assert.Equal($"\"{text}\"", (await second.NextAsync(CometMessageKind.Message)).Text);
        }
        Assert.Equal(gathers, output?.Gathers ?? gathers); // not there on Windows
    }

    [Fact]
    public async Task What_else_listens_to_the_connection_sees_the_bytes()
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/", WriterOf);
                app.MapGet("/news", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            },
            builder => builder.Services.AddFeed<string>("news"),
            connections: listen => listen.UseConnectionLogging());
        Assert.NotEqual(nameof(SocketResponseWriter), await WriterOfAsync(app));
        await using var stream = await app.OpenAsync("/news", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("seen");
        await stream.NextAsync(CometMessageKind.Message);

        await Eventually.HoldsAsync(
            () => app.Log.Entries.Any(entry => entry.Message.Contains("73 65 65 6E", StringComparison.Ordinal)), "the bytes are logged");
    }

    // A stream's writer, made for a request that then answers in the usual way.
    private static string WriterOf(HttpContext context)
    {
        var writer = ChunkedResponseWriter.TryCreate(context, mayDetach: false);
        context.Response.Headers.Remove("Transfer-Encoding");
        return writer?.GetType().Name ?? Response;
    }

    private static async Task<string> WriterOfAsync(TestApp app)
    {
        using var answer = await app.GetAsync("/");
        return await answer.Content.ReadAsStringAsync();
    }
}
