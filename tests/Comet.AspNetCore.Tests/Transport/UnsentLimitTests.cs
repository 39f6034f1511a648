using System.Net.Sockets;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>A slow client that is to have the newest only does not get first what the system has kept for it.</summary>
[Trait("Category", "Matrix")]
public class UnsentLimitTests
{
    private const int TcpNotSentLowWater = 25;
    private const int Messages = 3000;

    [Theory]
    [InlineData("Direct", 20)] // what a line of 10 KB/s brings in two seconds; 9 are on their way, or in a buffer of a system or a client
    [InlineData("Attached", 20)]
    [InlineData("Tls", 20)]
    [InlineData("Portable", 96)] // Kestrel keeps 64 KB of its own
    public async Task Little_is_kept_for_a_client_that_does_not_read(string wire, int kilobytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such limit.");
        await using var app = await StartAsync(SlowClientPolicy.Latest, wire);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var slow = await TestStream.OpenAsync(client, "/", CometFormat.Ndjson, null);
        await slow.NextAsync(CometMessageKind.Open);
        await using (var fast = await app.OpenAsync("/", CometFormat.Ndjson))
        {
            await fast.NextAsync(CometMessageKind.Open);
            for (var i = 0; i < Messages; i++)
            {
                await app.PublishAsync(new string('x', 1024));
                await fast.NextAsync(CometMessageKind.Message);
            }
        }

        var kept = 0;
        while (kept < Messages && (await slow.NextAsync()).Kind == CometMessageKind.Message)
        {
            kept++;
        }

        Assert.InRange(kept, 1, kilobytes);
    }

    [Theory]
    [InlineData(SlowClientPolicy.Latest)]
    [InlineData(SlowClientPolicy.End)]
    public async Task It_is_of_the_stream_and_not_of_what_the_connection_serves_next(SlowClientPolicy policy)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such limit.");
        Socket? socket = null;
        await using var app = await StartAsync(
            policy, "Attached", context => socket = context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket);
        await using var connection = await RawConnection.OpenAsync(app.Url, "/", []);
        await connection.ReadChunkAsync();
        await app.PublishAsync("seen");
        await connection.ReadChunkAsync();
        Assert.Equal(policy == SlowClientPolicy.Latest ? 4096 : 0, Limit());

        await app.PublishAsync(new string('x', 10_000_000)); // more than MaxBytes
        await connection.ReadBodyAsync();

        await app.NoStreamIsOpenAsync();
        Assert.Equal(0, Limit());

        int Limit()
        {
            var value = new byte[sizeof(int)];
            socket!.GetRawSocketOption((int)SocketOptionLevel.Tcp, TcpNotSentLowWater, value);
            return BitConverter.ToInt32(value);
        }
    }

    private static Task<TestApp> StartAsync(
        SlowClientPolicy policy, string wire, Action<HttpContext>? onRequest = null) => TestApp.StartAsync(
        app => app.MapGet("/", (HttpContext context, Feed<string> news) =>
        {
            onRequest?.Invoke(context);
            return CometResults.Feed(news, "parent.f");
        }),
        builder =>
        {
            builder.Configuration["Comet:WriteTimeout"] = "00:10:00"; // the slow one is not to be cut
            builder.Configuration["Comet:MaxBytes"] = "9000000";
            builder.Services.AddFeed<string>("news", feed => (feed.WhenSlow, feed.RetainBytes) = (policy, 20_000_000));
        },
        Enum.Parse<Wire>(wire));
}
