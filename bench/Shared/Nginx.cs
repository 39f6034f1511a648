using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CometBench;

/// <summary>nginx: in front of servers, with the configuration that docs/scaling.md shows, or with another.</summary>
internal sealed class Nginx : IDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private Nginx(Process process, DirectoryInfo folder, IPEndPoint address) => (_process, _folder, Address) = (process, folder, address);

    internal static bool IsInstalled => Executable is not null;

    internal IPEndPoint Address { get; }

    private static string? Executable =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin")
        .Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists);

    internal TimeSpan CpuTime => ProcessFigures.CpuTime(_process);

    internal long Memory => ProcessFigures.Memory(_process);

    /// <summary>Starts it before these servers, and waits until it listens.</summary>
    internal static Task<Nginx> StartAsync(params Uri[] servers)
    {
        var list = string.Concat(servers.Select(server => $"server {server.Authority} max_fails=1 fail_timeout=1s;"));
        return StartAsync(
            "nginx.conf", ServerProcess.FreeAddress(), settings => settings.Replace("SERVERS", list, StringComparison.Ordinal));
    }

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="configuration">A file beside the program, with LISTEN where the address belongs.</param>
    /// <param name="address">Where it listens.</param>
    /// <param name="complete">Fills in the rest.</param>
    /// <param name="files">Further files, which it finds by their names.</param>
    internal static async Task<Nginx> StartAsync(
        string configuration, IPEndPoint address, Func<string, string> complete, params (string Name, string Content)[] files)
    {
        var executable = Executable ??
            throw new InvalidOperationException("This run needs nginx: install it, on Debian by apt-get install nginx-light.");
        var folder = Directory.CreateTempSubdirectory("comet-nginx-");
        var settings = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, configuration))
            .Replace("LISTEN", address.ToString(), StringComparison.Ordinal);
        foreach (var (name, content) in files.Append(("nginx.conf", complete(settings))))
        {
            File.WriteAllText(Path.Combine(folder.FullName, name), content);
        }
        var start = new ProcessStartInfo(executable, ["-p", folder.FullName, "-c", "nginx.conf"]);
        var nginx = new Nginx(Process.Start(start)!, folder, address);
        try
        {
            await nginx.WaitUntilListeningAsync();
            return nginx;
        }
        catch
        {
            nginx.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task WaitUntilListeningAsync()
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(Address);
                return;
            }
            catch (SocketException) when (!_process.HasExited && clock.Elapsed < TimeSpan.FromSeconds(20))
            {
                await Task.Delay(50);
            }
        }
    }
}
