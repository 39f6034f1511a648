using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>A certificate for this run, which nobody trusts.</summary>
internal static class Certificate
{
    private static readonly Lazy<X509Certificate2> Created = new(Create);

    internal static X509Certificate2 Instance => Created.Value;

    private static X509Certificate2 Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null); // Windows wants the key stored
    }
}
