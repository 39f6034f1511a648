using System.Net;
using System.Net.Sockets;

namespace Comet.BrowserTests.Hosting;

/// <summary>
/// A network between the browser and a server that breaks when a test says so. Its address stays when the server behind it changes.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _lock = new();
    private readonly HashSet<TcpClient> _clients = [];
    private readonly Task _accepting;
    private volatile TaskCompletionSource _flow = new();
    private volatile Uri _target;

    internal TcpProxy(string url)
    {
        _target = new Uri(url);
        _flow.SetResult();
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal string Url => $"http://{_listener.LocalEndpoint}";

    /// <summary>Where new connections lead to.</summary>
    internal void LeadTo(string url) => _target = new Uri(url);

    /// <summary>Resets all connections.</summary>
    internal void Cut()
    {
        lock (_lock)
        {
            foreach (var client in _clients)
            {
                client.Client.Close(0);
            }
            _clients.Clear();
        }
    }

    /// <summary>Holds back what the server sends; connections stay open.</summary>
    internal void Stall() => _flow = new TaskCompletionSource();

    /// <summary>Lets everything through that was held back.</summary>
    internal void Resume() => _flow.TrySetResult();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (SocketException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient browser)
    {
        using var server = new TcpClient { NoDelay = true };
        browser.NoDelay = true;
        lock (_lock)
        {
            _clients.Add(browser);
        }
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target.Port);
            await await Task.WhenAny(
                CopyAsync(browser.GetStream(), server.GetStream(), isHeld: false),
                CopyAsync(server.GetStream(), browser.GetStream(), isHeld: true));
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            // One side was closed: so is the other.
        }
        finally
        {
            lock (_lock)
            {
                _clients.Remove(browser);
            }
            browser.Dispose();
        }
    }

    private async Task CopyAsync(Stream from, Stream to, bool isHeld)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer) is > 0 and var read)
        {
            if (isHeld)
            {
                await _flow.Task;
            }
            await to.WriteAsync(buffer.AsMemory(0, read));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Resume();
        Cut();
        await _accepting;
    }
}
