using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace CometBench.Cluster;

/// <summary>nginx in front of two servers, with the configuration that docs/scaling.md shows.</summary>
internal sealed class Nginx : IDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private Nginx(Process process, DirectoryInfo folder, Uri url) => (_process, _folder, Url) = (process, folder, url);

    internal Uri Url { get; }

    internal static Nginx Start(Uri first, Uri second)
    {
        var executable = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin")
            .Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("This run needs nginx: install it, on Debian by apt-get install nginx-light.");
        var folder = Directory.CreateTempSubdirectory("comet-nginx-");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = listener.LocalEndpoint.ToString()!;
        listener.Stop();
        var settings = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "nginx.conf"))
            .Replace("LISTEN", address, StringComparison.Ordinal)
            .Replace("SERVER1", first.Authority, StringComparison.Ordinal)
            .Replace("SERVER2", second.Authority, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder.FullName, "nginx.conf"), settings);
        return new Nginx(Process.Start(new ProcessStartInfo(executable, ["-p", folder.FullName, "-c", "nginx.conf"]))!, folder, new Uri($"http://{address}"));
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
