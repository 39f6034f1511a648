using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CometBench;

/// <summary>A server in a process of its own, which can be killed and started again at the same address.</summary>
/// <param name="program">The assembly, and what must come first on its command line.</param>
/// <param name="address">Where it listens; its other addresses, if any, are among the arguments.</param>
/// <param name="arguments">The rest of the command line.</param>
internal sealed class ServerProcess(string[] program, IPEndPoint address, params string[] arguments) : IAsyncDisposable
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false });

    private Process? _process;

    internal Uri Url { get; } = new($"http://{address}");

    internal TimeSpan CpuTime => ProcessFigures.CpuTime(_process!);

    internal long Memory => ProcessFigures.Memory(_process!);

    internal (long Now, long Peak) Resident => ProcessFigures.Resident(_process!);

    internal static IPEndPoint FreeAddress()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (IPEndPoint)listener.LocalEndpoint;
    }

    /// <summary>Starts it and waits until it says that it is ready. How long that took, from the start of the process on.</summary>
    internal async Task<TimeSpan> StartAsync()
    {
        var clock = Stopwatch.StartNew();
        string[] all = [.. program, "--urls", $"http://{address}", "--until-stdin-closes", "true", .. arguments];
        var start = new ProcessStartInfo("dotnet", all)
        {
            RedirectStandardInput = true,
        };
        // What the load client sets for its own sockets must not change the server.
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT");
        _process = Process.Start(start)!;
        while (clock.Elapsed < TimeSpan.FromSeconds(60))
        {
            try
            {
                using var answer = await Http.GetAsync(new Uri(Url, "/health/ready"));
                if (answer.IsSuccessStatusCode)
                {
                    return clock.Elapsed;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"The server ended at once, exit code {_process.ExitCode}.");
            }
            await Task.Delay(10);
        }
        throw new TimeoutException("The server is not ready after 60 s.");
    }

    /// <summary>Ends it as a crash does.</summary>
    internal async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }
    }
}
