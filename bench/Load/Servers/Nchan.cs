using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CometBench.Load.Servers;

/// <summary>nginx's module for streams, in one process.</summary>
internal static class Nchan
{
    private static readonly string[] Folders = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];

    internal static bool IsInstalled => Nginx.IsInstalled && Module is not null;

    private static string? Module =>
        Folders.Select(static folder => Path.Combine(folder, "ngx_nchan_module.so")).FirstOrDefault(File.Exists);

    internal static Task<Nginx> StartAsync(IPEndPoint address, IPEndPoint secure)
    {
        var module = Module ?? throw new InvalidOperationException(
            "nchan is not installed. On Debian: apt-get install nginx-light libnginx-mod-nchan");
        using var certificate = BenchCertificate.Create();
        using var key = certificate.GetECDsaPrivateKey()!;
        return Nginx.StartAsync(
            "nchan.conf",
            address,
            settings => settings
                .Replace("MODULE", module, StringComparison.Ordinal)
                .Replace("SECURE", secure.ToString(), StringComparison.Ordinal),
            ("certificate.pem", certificate.ExportCertificatePem()),
            ("key.pem", key.ExportPkcs8PrivateKeyPem()));
    }
}
