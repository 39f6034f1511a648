using System.Net;
using System.Net.Sockets;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>
/// A connection that is taken away from its socket, as Kestrel leaves it: with a receive under way, shut down and disposed of.
/// </summary>
public sealed class DetachedSocketTests : IDisposable
{
    private readonly Socket _client = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _server;

    public DetachedSocketTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Streams leave the server on Linux only.");
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen();
        _client.Connect(listener.LocalEndPoint!);
        _client.ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds;
        _server = listener.Accept();
        _server.Blocking = false;
    }

    [Fact]
    public async Task It_goes_on_and_its_end_is_no_reset()
    {
        using var detached = await TakeAsync();
        Assert.Equal(1, detached.TrySend("x"u8, out var isClosed));
        Assert.False(isClosed);
        Assert.Equal(1, _client.Receive(new byte[10]));

        detached.Dispose();

        Assert.Equal(0, _client.Receive(new byte[10]));
    }

    [Fact]
    public void What_its_owner_does_with_the_socket_reaches_the_client_no_longer()
    {
        using var detached = DetachedSocket.TakeFrom(_server, SocketWatch.Shared!.Placeholder);

        _server.Shutdown(SocketShutdown.Both);
        Assert.ThrowsAny<SocketException>(() => _server.Send("no"u8));
        _server.LingerState = new LingerOption(enable: true, seconds: 0);
        _server.Dispose();

        Assert.Equal(1, detached.TrySend("x"u8, out _));
        Assert.Equal(1, _client.Receive(new byte[10]));
    }

    [Fact]
    public async Task It_is_reset_where_that_is_asked_for()
    {
        using var detached = await TakeAsync();
        detached.ResetOnClose();

        detached.Dispose();

        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => _client.Receive(new byte[10])).SocketErrorCode);
    }

    [Fact]
    public async Task What_the_client_sends_is_thrown_away_up_to_a_bound()
    {
        using var detached = await TakeAsync();
        Assert.Equal(0, detached.Discard(100));
        _client.Send(new byte[50]);
        Assert.Equal(50, detached.Discard(100));
        _client.Send(new byte[150]);
        Assert.Equal(100, detached.Discard(100));
        _client.Shutdown(SocketShutdown.Send);
        Assert.Equal(-1, detached.Discard(100));
    }

    [Fact]
    public void Also_of_a_Unix_socket()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(listener.LocalEndPoint!);
        using var server = listener.Accept();
        File.Delete(path);
        using var detached = DetachedSocket.TakeFrom(server, SocketWatch.Shared!.Placeholder);

        client.Send(new byte[1000]);

        Assert.Equal(1000, detached.Discard(2000));
        Assert.Equal(0, detached.Discard(2000));
    }

    [Fact]
    public async Task A_socket_that_was_disposed_of_has_no_connection_to_take()
    {
        _server.Dispose();

        using var detached = await TakeAsync();

        Assert.True(detached.IsInvalid);
        Assert.False(detached.IsMissing);
        Assert.Equal(0, detached.TrySend("x"u8, out var isClosed));
        Assert.True(isClosed);
        Assert.Equal(-1, detached.Discard(100));
    }

    [Fact]
    public async Task After_it_is_disposed_of_it_is_as_closed_and_touches_no_other()
    {
        var detached = await TakeAsync();
        detached.Dispose();

        Assert.Equal(0, detached.TrySend("x"u8, out var isClosed));
        Assert.True(isClosed);
        Assert.Equal(-1, detached.Discard(100));
        detached.EndSending();
        detached.ResetOnClose();
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    private async Task<DetachedSocket> TakeAsync()
    {
        var receiving = _server.SafeHandle.IsClosed ? Task.FromResult(0) : _server.ReceiveAsync(Memory<byte>.Empty).AsTask();
        var detached = DetachedSocket.TakeFrom(_server, SocketWatch.Shared!.Placeholder);
        if (!_server.SafeHandle.IsClosed)
        {
            _server.Shutdown(SocketShutdown.Both);
            _server.Dispose();
        }
        await receiving.WithPatience().ContinueWith(static _ => { }, TaskScheduler.Default);
        return detached;
    }
}
