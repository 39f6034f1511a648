using System.Net;
using System.Net.Sockets;

namespace Comet.TestUtilities;

/// <summary>
/// A proxy in front of a TCP server that can cut or refuse connections, fall silent as a broken network does, or deliver late. Its address
/// stays when the server behind it changes.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly HashSet<Link> _links = [];
    private readonly Task _accepting;
    private volatile EndPoint _target;
    private bool _refuses;
    private bool _isSilent;

    public TcpProxy(int targetPort)
        : this(new IPEndPoint(IPAddress.Loopback, targetPort))
    {
    }

    public TcpProxy(string url)
        : this(EndPointOf(url))
    {
    }

    public TcpProxy(EndPoint target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Without a slash at the end.</summary>
    public string Url => $"http://{_listener.LocalEndpoint}";

    /// <summary>Where new connections lead to.</summary>
    public void LeadTo(string url) => _target = EndPointOf(url);

    /// <summary>Resets all connections.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            foreach (var link in _links)
            {
                link.Reset();
            }
        }
    }

    /// <summary>Resets all connections and refuses new ones.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _refuses = true;
            Cut();
        }
    }

    /// <summary>Holds back everything in both directions, and keeps the connections open.</summary>
    public void Silence()
    {
        lock (_lock)
        {
            _isSilent = true;
            foreach (var link in _links)
            {
                link.Hold();
            }
        }
    }

    /// <summary>Resets the client's connections, and delivers to the server later what was held back.</summary>
    public async Task StrandAsync(TimeSpan later)
    {
        List<Link> stranded;
        lock (_lock)
        {
            stranded = [.. _links];
            _links.Clear();
            _isSilent = false;
            foreach (var link in stranded)
            {
                link.ResetClient();
            }
        }
        await Task.Delay(later);
        foreach (var link in stranded)
        {
            link.Release();
        }
    }

    /// <summary>Delivers everything again, and what was held back.</summary>
    public void Open()
    {
        lock (_lock)
        {
            (_refuses, _isSilent) = (false, false);
            foreach (var link in _links)
            {
                link.Release();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Close();
        await _accepting;
    }

    private static IPEndPoint EndPointOf(string url) => new(IPAddress.Loopback, new Uri(url).Port);

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync();
            }
            catch (Exception exception) when (exception is SocketException or InvalidOperationException)
            {
                return; // stopped
            }
            var link = new Link(client);
            lock (_lock)
            {
                if (_refuses)
                {
                    link.Reset();
                    continue;
                }
                if (_isSilent)
                {
                    link.Hold();
                }
                _links.Add(link);
            }
            _ = ServeAsync(link);
        }
    }

    private async Task ServeAsync(Link link)
    {
        await link.RunAsync(_target);
        lock (_lock)
        {
            _links.Remove(link);
        }
    }

    private sealed class Link(Socket client)
    {
        private readonly Socket _server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private volatile TaskCompletionSource? _held;

        public void Hold() => _held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release()
        {
            _held?.SetResult();
            _held = null;
        }

        public void ResetClient() => Reset(client);

        public void Reset()
        {
            Reset(client);
            Reset(_server);
            Release();
        }

        public async Task RunAsync(EndPoint target)
        {
            try
            {
                client.NoDelay = true;
                await FlowAsync();
                await _server.ConnectAsync(target);
                var there = PumpAsync(client, _server);
                await PumpAsync(_server, client);
                client.Dispose(); // behind what it was sent
                await there;
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // One side is closed, so the other is closed, too.
            }
            Reset(client);
            Reset(_server);
        }

        private async Task PumpAsync(Socket from, Socket to)
        {
            var buffer = new byte[1 << 16];
            try
            {
                for (int read; (read = await from.ReceiveAsync(buffer)) > 0;)
                {
                    await FlowAsync();
                    await to.SendAsync(buffer.AsMemory(0, read));
                }
                to.Shutdown(SocketShutdown.Send);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                Reset(to);
            }
        }

        private Task FlowAsync() => _held?.Task ?? Task.CompletedTask;

        private static void Reset(Socket socket)
        {
            try
            {
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // It is no longer connected.
            }
            socket.Dispose();
        }
    }
}
