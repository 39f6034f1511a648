using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CometBench.Load.Servers;

/// <summary>A server under test, in a process of its own, for as long as it is measured.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;

    private readonly NginxProxy? _proxy;

    private ServerProcess(Process process, IPEndPoint address, IPEndPoint streams, NginxProxy? proxy)
    {
        (_process, Address, Streams, _proxy) = (process, address, streams, proxy);
    }

    /// <summary>Where messages are published.</summary>
    internal IPEndPoint Address { get; }

    /// <summary>Where streams are opened.</summary>
    internal IPEndPoint Streams { get; }

    internal TimeSpan CpuTime => ProcessFigures.CpuTime(_process);

    internal long Memory => ProcessFigures.Memory(_process);

    internal static async Task<ServerProcess> StartAsync(ServerKind kind)
    {
        var address = FreeAddress();
        var streams = kind.Route == Route.Plain ? address : FreeAddress();
        var urls = kind.Route is Route.Tls or Route.Http2 ? $"http://{address};https://{streams}" : $"http://{address}";
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach (var argument in (string[])[kind.Assembly, "--urls", urls, "--until-stdin-closes", "true", .. kind.Arguments])
        {
            start.ArgumentList.Add(argument);
        }
        var proxy = kind.Route == Route.Nginx ? NginxProxy.Start(streams, address) : null;
        var process = Process.Start(start) ?? throw new InvalidOperationException("The server did not start.");
        var server = new ServerProcess(process, address, streams, proxy);
        try
        {
            await server.WaitUntilListeningAsync(address);
            await server.WaitUntilListeningAsync(streams);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the server uses less than 1 % of a core: compilation, collections and timers have settled.</summary>
    internal async Task WaitUntilQuietAsync()
    {
        var period = TimeSpan.FromMilliseconds(300);
        for (int quiet = 0, i = 0; quiet < 2 && i < 10; i++)
        {
            var before = CpuTime;
            await Task.Delay(period);
            quiet = CpuTime - before < period / 100 ? quiet + 1 : 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _proxy?.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static IPEndPoint FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (IPEndPoint)listener.LocalEndpoint;
    }

    private async Task WaitUntilListeningAsync(IPEndPoint address)
    {
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"The server ended at once, exit code {_process.ExitCode}.");
            }
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(address);
                return;
            }
            catch (SocketException) when (deadline.Elapsed < TimeSpan.FromSeconds(20))
            {
                await Task.Delay(100);
            }
        }
    }
}
