using System.Globalization;
using System.Net.Sockets;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>A connection whose peer has vanished does not stay: the system is told how long it may.</summary>
public class PeerTimeoutTests
{
    private const int TcpUserTimeout = 18;

    [Theory]
    [InlineData("Direct", "00:00:15", "00:00:10", 45_000)]
    [InlineData("Direct", "00:00:05", "00:00:10", 15_000)]
    [InlineData("Direct", "00:00:01", "00:00:10", 10_000)] // a client may take nothing for WriteTimeout
    [InlineData("Direct", "01:00:00", "01:00:00", 10_800_000)]
    [InlineData("Tls", "00:00:05", "00:00:10", 15_000)]
    [InlineData("Http2", "00:00:05", "00:00:10", 15_000)]
    public async Task It_follows_from_the_settings(string wire, string heartbeat, string writeTimeout, int milliseconds)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such option.");
        await using var app = await StartAsync(wire, heartbeat, writeTimeout, UserTimeout);

        Assert.Equal(milliseconds, await AnswerAsync(app));
    }

    [Fact]
    public async Task Without_the_transport_a_listening_socket_hands_down_the_option_that_the_document_names()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such option.");
        await using var app = await TestApp.StartAsync(
            app => app.MapGet(
                "/", (HttpContext context) => UserTimeout(context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket)),
            builder => builder.WebHost.UseSockets(sockets => sockets.CreateBoundListenSocket = endpoint =>
            {
                var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
                socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, BitConverter.GetBytes(45_000));
                return socket;
            }),
            Wire.Portable);

        Assert.Equal(45_000, await AnswerAsync(app));
    }

    [Fact]
    public async Task Where_nothing_is_written_probes_are_sent()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The transport is for Linux and macOS.");
        await using var app = await StartAsync("Direct", "00:00:05", "00:00:10", static socket =>
            (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)! == 0
                ? 0
                : (int)socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime)!);

        Assert.Equal(10, await AnswerAsync(app));
    }

    private static Task<TestApp> StartAsync(
        string wire, string heartbeat, string writeTimeout, Func<Socket, int> option) => TestApp.StartAsync(
        app => app.MapGet("/", (HttpContext context) => option(context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket)),
        builder =>
        {
            builder.Configuration["Comet:Heartbeat"] = heartbeat;
            builder.Configuration["Comet:WriteTimeout"] = writeTimeout;
        },
        Enum.Parse<Wire>(wire));

    private static int UserTimeout(Socket socket)
    {
        var value = new byte[sizeof(int)];
        socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, value);
        return BitConverter.ToInt32(value);
    }

    private static async Task<int> AnswerAsync(TestApp app)
    {
        using var answer = await app.GetAsync("/");
        return int.Parse(await answer.Content.ReadAsStringAsync(), CultureInfo.InvariantCulture);
    }
}
