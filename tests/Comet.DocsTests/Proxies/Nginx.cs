using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Comet.DocsTests.Documents;
using Comet.TestUtilities;

namespace Comet.DocsTests.Proxies;

/// <summary>An nginx in front of an app, or of two, with a documented configuration, on a port of its own, without TLS.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private Nginx(Process process, DirectoryInfo folder, int port)
    {
        (_process, _folder) = (process, folder);
        Url = new Uri($"http://127.0.0.1:{port}");
    }

    internal Uri Url { get; }

    private static string? Executable =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin")
        .Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists);

    /// <summary>Starts one with the configuration of docs/operations.md; skips the test where nginx is not installed.</summary>
    /// <param name="app">Where the app listens.</param>
    internal static Task<Nginx> StartAsync(Uri app) => StartAsync("docs/operations.md", new()
    {
        ["127.0.0.1:5000"] = app.Authority,
        ["http2 on;"] = "",
        ["ssl_certificate     /etc/ssl/hello.pem;"] = "",
        ["ssl_certificate_key /etc/ssl/hello.key;"] = "",
    }, "listen 443 ssl;");

    /// <summary>Starts one with the configuration of docs/scaling.md; skips the test where nginx is not installed.</summary>
    /// <param name="one">Where one of the app's servers listens.</param>
    /// <param name="other">Where the other one does.</param>
    internal static Task<Nginx> StartAsync(Uri one, Uri other) => StartAsync("docs/scaling.md", new()
    {
        ["10.0.0.1:5000"] = one.Authority,
        ["10.0.0.2:5000"] = other.Authority,
    }, "listen 80;");

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static async Task<Nginx> StartAsync(string document, Dictionary<string, string> changes, string listen)
    {
        Absent.SkipWhen(Executable is null, "nginx is not installed here.");
        var port = FreePort();
        changes.Add(listen, $"listen 127.0.0.1:{port};");
        var folder = Directory.CreateTempSubdirectory("comet-nginx-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "nginx.conf"), Configuration(document, changes));
        var nginx = new Nginx(
            Process.Start(Executable!, ["-p", folder.FullName, "-e", "stderr", "-c", Path.Combine(folder.FullName, "nginx.conf")]),
            folder,
            port);
        try
        {
            await Eventually.HoldsAsync(nginx.ListensAsync, "nginx listens");
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    // One process, which is easily ended, in a folder of its own; whatever nginx compresses by type, it compresses.
    private static string Configuration(string document, Dictionary<string, string> changes) => $$"""
        daemon off;
        master_process off;
        pid nginx.pid;
        error_log stderr crit;
        events { worker_connections 64; }
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            gzip on;
            gzip_types *;
            gzip_proxied any;
            {{Documented(document, changes)}}
        }
        """;

    private static string Documented(string document, Dictionary<string, string> changes)
    {
        var text = Assert.Single(Document.Get(document).Blocks, block => block.Language == "nginx").Text;
        foreach (var (documented, here) in changes)
        {
            Assert.Contains(documented, text, StringComparison.Ordinal);
            text = text.Replace(documented, here, StringComparison.Ordinal);
        }
        return text;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> ListensAsync()
    {
        Assert.False(_process.HasExited, "nginx has exited.");
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(Url.Host, Url.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
