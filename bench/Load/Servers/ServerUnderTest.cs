using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;

namespace CometBench.Load.Servers;

/// <summary>A server under test and what lies before it, for as long as it is measured.</summary>
internal sealed class ServerUnderTest : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromMinutes(1);

    private readonly ServerProcess? _process; // null: nchan, which is nginx itself
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    private Nginx? _nginx;

    private ServerUnderTest(ServerProcess? process, IPEndPoint address, IPEndPoint streams)
    {
        (_process, Address, Streams) = (process, address, streams);
    }

    /// <summary>Where messages are published.</summary>
    internal IPEndPoint Address { get; }

    /// <summary>Where streams are opened.</summary>
    internal IPEndPoint Streams { get; private set; }

    internal TimeSpan CpuTime => _process?.CpuTime ?? _nginx!.CpuTime;

    internal long Memory => _process?.Memory ?? _nginx!.Memory;

    internal static async Task<ServerUnderTest> StartAsync(ServerKind kind)
    {
        var address = ServerProcess.FreeAddress();
        var secure = kind.Route is Route.Tls or Route.Http2;
        var streams = secure ? ServerProcess.FreeAddress() : address;
        if (kind.IsNchan)
        {
            var nchan = await Nchan.StartAsync(address, secure ? streams : ServerProcess.FreeAddress());
            return new ServerUnderTest(process: null, address, streams) { _nginx = nchan };
        }
        // In this order: once it answers at the second address, it listens at the first.
        string[] urls = secure ? ["--urls", $"https://{streams};http://{address}"] : [];
        var process = new ServerProcess([kind.Assembly], address, [.. urls, .. kind.Arguments]);
        var server = new ServerUnderTest(process, address, streams);
        try
        {
            await process.StartAsync();
            if (kind.Route == Route.Nginx)
            {
                server._nginx = await Nginx.StartAsync(process.Url);
                server.Streams = server._nginx.Address;
            }
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Waits until the server uses less than 1 % of a core, as compilation, collections and timers have settled, and nothing else much.
    /// </summary>
    /// <returns>How many cores were busy last.</returns>
    internal async Task<double> WaitUntilQuietAsync()
    {
        var period = TimeSpan.FromMilliseconds(300);
        for (int quiet = 0, i = 0; quiet < 2 && i < 10; i++)
        {
            var before = CpuTime;
            await Task.Delay(period);
            quiet = CpuTime - before < period / 100 ? quiet + 1 : 0;
        }
        return await Machine.WaitUntilQuietAsync();
    }

    /// <summary>Only our own server tells.</summary>
    internal async Task<ServerState> StateAsync() => (await _http.GetFromJsonAsync<ServerState>(new Uri(_process!.Url, "/state")))!;

    /// <summary>Tells it to stop, as a service manager does, and waits until it has.</summary>
    internal async Task<ServerStop> StopAsync()
    {
        using var process = Process.GetProcessById((await StateAsync()).ProcessId);
        _ = process.SafeHandle; // or there is no exit code later
        using var patience = new CancellationTokenSource(StopPatience);
        var start = Marker.Now;
        // .NET sends no signals, and the shell of every Unix has kill built in.
        using var kill = Process.Start("sh", ["-c", $"kill -TERM {process.Id}"]);
        await process.WaitForExitAsync(patience.Token);
        return new ServerStop(start, Stopwatch.GetElapsedTime(start), process.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _nginx?.Dispose();
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }
}
