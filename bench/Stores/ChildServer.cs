using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CometBench.Stores;

/// <summary>A server in a process of its own, which can be killed and started again at the same address.</summary>
/// <param name="arguments">Besides where to listen.</param>
internal sealed class ChildServer(params string[] arguments) : IAsyncDisposable
{
    private Process? _process;

    internal Uri Url { get; } = new($"http://127.0.0.1:{FreePort()}");

    internal long Memory
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64;
        }
    }

    internal TimeSpan CpuTime
    {
        get
        {
            _process!.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts it and waits until it says that it is ready. How long that took, from the start of the process on.</summary>
    internal async Task<TimeSpan> StartAsync(HttpClient client)
    {
        var clock = Stopwatch.StartNew();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true };
        foreach (var argument in (string[])[
            typeof(ChildServer).Assembly.Location, "serve", "--urls", Url.ToString(), "--until-stdin-closes", "true", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }
        _process = Process.Start(start)!;
        while (clock.Elapsed < TimeSpan.FromSeconds(60))
        {
            try
            {
                using var answer = await client.GetAsync(new Uri(Url, "/health/ready"));
                if (answer.IsSuccessStatusCode)
                {
                    return clock.Elapsed;
                }
            }
            catch (HttpRequestException) when (!_process.HasExited)
            {
                // It does not listen yet.
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

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
