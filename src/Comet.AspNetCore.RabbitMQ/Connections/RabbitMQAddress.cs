using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Connections;

/// <summary>Where the broker is, from a connection string whose text never leaves this class.</summary>
internal static class RabbitMQAddress
{
    /// <summary>What is wrong with a connection string, without repeating any of it; null: nothing.</summary>
    internal static string? FindFault(string connectionString)
    {
        const string Form = "amqp://user:password@host:5672/vhost, or amqps:// for TLS; several nodes are separated by commas";
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            return $"ConnectionStrings:RabbitMQ is missing. It has the form {Form}.";
        }
        var schemes = new HashSet<string>();
        foreach (var text in Split(connectionString))
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps") || uri.Host.Length == 0
                || uri.Segments.Length > 2 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            {
                return $"ConnectionStrings:RabbitMQ is not of the form {Form}.";
            }
            if (uri.UserInfo.Count(c => c == ':') > 1)
            {
                // The client would refuse it with a message that repeats it.
                return "ConnectionStrings:RabbitMQ has a colon in the user or the password; it is written %3A there.";
            }
            schemes.Add(uri.Scheme);
        }
        return schemes.Count == 1 ? null : "ConnectionStrings:RabbitMQ mixes amqp and amqps; all nodes must use the same.";
    }

    /// <summary>The nodes, and how to connect to any of them.</summary>
    internal static (ConnectionFactory Factory, AmqpTcpEndpoint[] Nodes) Read(RabbitMQStoreOptions options)
    {
        var uris = Split(options.ConnectionString).Select(text => new Uri(text)).ToArray();
        var factory = new ConnectionFactory
        {
            Uri = uris[0],
            ClientProvidedName = $"Comet on {Environment.MachineName}",
            // Recovery by the client subscribes where it began, or at the end: messages would be doubled or lost.
            AutomaticRecoveryEnabled = false,
            RequestedHeartbeat = options.Heartbeat,
            RequestedConnectionTimeout = options.Timeout,
            HandshakeContinuationTimeout = options.Timeout,
            ContinuationTimeout = options.Timeout,
        };
        var validate = options.CertificateAuthority is { } file ? Trusting(ReadAuthorities(file)) : null;
        // Endpoints of our own: those that the client makes of a URI accept a certificate of another host.
        var nodes = uris.Select(uri => new AmqpTcpEndpoint(uri.Host, uri.Port, new SslOption(uri.Host, enabled: uri.Scheme == "amqps")
        {
            CertificateValidationCallback = validate,
        }));
        return (factory, nodes.ToArray());
    }

    /// <summary>The certificates in a PEM file; none, if it has none.</summary>
    internal static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities;
    }

    private static string[] Split(string connectionString) =>
        connectionString.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static RemoteCertificateValidationCallback Trusting(X509Certificate2Collection authorities) => (_, certificate, received, errors) =>
    {
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        if (received is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(received.ChainPolicy.ExtraStore); // intermediate ones that the broker sent along
        }
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var presented = new X509Certificate2(certificate);
        return chain.Build(presented);
    };
}
