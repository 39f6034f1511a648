using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>A certificate that is valid for a day, of an authority or for 127.0.0.1.</summary>
internal sealed class TestCertificate : IDisposable
{
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddDays(-1);
    private static readonly DateTimeOffset Until = From.AddDays(2);

    private readonly RSA _key;
    private readonly X509Certificate2 _certificate;

    private TestCertificate(RSA key, X509Certificate2 certificate) => (_key, _certificate) = (key, certificate);

    internal string Pem => _certificate.ExportCertificatePem();

    internal string KeyPem => _key.ExportPkcs8PrivateKeyPem();

    internal static TestCertificate SelfSigned(string name)
    {
        var key = RSA.Create(2048);
        return new TestCertificate(key, Request(name, key, isAuthority: true).CreateSelfSigned(From, Until));
    }

    internal TestCertificate Sign(string name, bool isAuthority)
    {
        var key = RSA.Create(2048);
        return new TestCertificate(key, Request(name, key, isAuthority).Create(
            _certificate.SubjectName,
            X509SignatureGenerator.CreateForRSA(_key, RSASignaturePadding.Pkcs1),
            From,
            Until,
            RandomNumberGenerator.GetBytes(8)));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static CertificateRequest Request(string name, RSA key, bool isAuthority)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        if (!isAuthority)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }
        return request;
    }
}
