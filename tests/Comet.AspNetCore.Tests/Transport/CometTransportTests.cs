using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Comet.AspNetCore.Transport;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>A stream writes to the socket itself only where nothing else must see its bytes.</summary>
public class CometTransportTests
{
    [Theory]
    [InlineData("Direct", true)]
    [InlineData("Attached", true)]
    [InlineData("Portable", false)]
    [InlineData("Http10", false)]
    [InlineData("Tls", false)]
    [InlineData("Http2", false)]
    public async Task It_is_for_plain_HTTP_1_1(string wire, bool direct)
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", WritesToTheSocket), wire: Enum.Parse<Wire>(wire));

        Assert.Equal(direct && !OperatingSystem.IsWindows(), await AnswerAsync(app, "/"));
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
            app.MapGet("/", WritesToTheSocket);
        });

        Assert.False(await AnswerAsync(app, "/"));
    }

    [Fact]
    public async Task It_is_not_for_a_connection_that_something_else_listens_to()
    {
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/", WritesToTheSocket);
                app.MapGet("/news", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            },
            builder => builder.Services.AddFeed<string>("news"),
            connections: listen => listen.UseConnectionLogging());
        Assert.False(await AnswerAsync(app, "/"));
        await using var stream = await app.OpenAsync("/news", CometFormat.Ndjson);
        await stream.NextAsync(CometMessageKind.Open);

        await app.PublishAsync("seen");
        await stream.NextAsync(CometMessageKind.Message);

        await Eventually.HoldsAsync(
            () => app.Log.Entries.Any(entry => entry.Message.Contains("73 65 65 6E", StringComparison.Ordinal)), "the bytes are logged");
    }

    // A stream's writer, made for a request that then answers in the usual way.
    private static bool WritesToTheSocket(HttpContext context)
    {
        var writer = SocketResponseWriter.TryCreate(context, mayDetach: false);
        context.Response.Headers.Remove("Transfer-Encoding");
        return writer is not null;
    }

    private static async Task<bool> AnswerAsync(TestApp app, string path)
    {
        using var answer = await app.GetAsync(path);
        return bool.Parse(await answer.Content.ReadAsStringAsync());
    }
}
