using System.Diagnostics;
using System.Net;

namespace CometBench.Load.Servers;

/// <summary>nginx in front of a server, with nothing set but what a reverse proxy needs: buffering is left to what the server's headers say.</summary>
internal sealed class NginxProxy : IDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private NginxProxy(Process process, DirectoryInfo folder)
    {
        (_process, _folder) = (process, folder);
    }

    internal static bool IsInstalled => Executable is not null;

    private static string? Executable =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin")
        .Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists);

    internal static NginxProxy Start(IPEndPoint at, IPEndPoint server)
    {
        var folder = Directory.CreateTempSubdirectory("comet-bench-");
        File.WriteAllText(Path.Combine(folder.FullName, "nginx.conf"), $$"""
            daemon off;
            worker_processes 1;
            pid nginx.pid;
            error_log stderr warn;
            events { worker_connections 8192; }
            http {
                access_log off;
                client_body_temp_path body;
                proxy_temp_path proxy;
                fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi;
                scgi_temp_path scgi;
                server {
                    listen {{at}};
                    location / {
                        proxy_pass http://{{server}};
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_read_timeout 1h;
                    }
                }
            }

            """);
        var process = Process.Start(new ProcessStartInfo(Executable!, ["-p", folder.FullName, "-c", "nginx.conf"]))
            ?? throw new InvalidOperationException("nginx did not start.");
        return new NginxProxy(process, folder);
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
