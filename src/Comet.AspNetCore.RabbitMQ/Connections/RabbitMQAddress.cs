using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Connections;

/// <summary>The address of the broker. The text of the connection string never leaves this class, as it holds the password.</summary>
internal static class RabbitMQAddress
{
    /// <summary>
    /// The longest message that goes to the broker and comes back: its default <c>max_message_size</c> before RabbitMQ 4.0 (16 MiB since),
    /// and the most that the client can receive, which by default closes its connection at 64 MiB.
    /// </summary>
    internal const uint MaxMessageBytes = 128 << 20;

    /// <summary>Says what is wrong with a connection string without repeating any of it; null when nothing is.</summary>
    internal static string? FindFault(string connectionString)
    {
        const string Form = "amqp://user:password@host:5672/vhost, or amqps:// for TLS; several nodes are separated by commas";
        if (string.IsNullOrWhiteSpace(connectionString))
        {
            return $"ConnectionStrings:RabbitMQ is missing. Set it to {Form}.";
        }
        var schemes = new HashSet<string>();
        foreach (var text in Split(connectionString))
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps") || uri.Host.Length == 0
                || uri.Segments.Length > 2 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            {
                return $"ConnectionStrings:RabbitMQ does not have the form {Form}.";
            }
            if (uri.UserInfo.Count(c => c == ':') > 1)
            {
                // The client's own exception repeats the password.
                return "ConnectionStrings:RabbitMQ has a colon in the user name or the password. Write it as %3A.";
            }
            schemes.Add(uri.Scheme);
        }
        return schemes.Count == 1 ? null : "ConnectionStrings:RabbitMQ mixes amqp and amqps. Use one of them for all nodes.";
    }

    /// <summary>Reads the nodes, and the settings with which a connection to any of them is made.</summary>
    internal static (ConnectionFactory Factory, AmqpTcpEndpoint[] Nodes) Read(RabbitMQStoreOptions options)
    {
        var uris = Split(options.ConnectionString).Select(text => new Uri(text)).ToArray();
        var factory = new ConnectionFactory
        {
            Uri = uris[0],
            ClientProvidedName = $"Comet on {Environment.MachineName}",
            // The client's recovery subscribes at the first offset or at the end, which repeats or loses messages.
            AutomaticRecoveryEnabled = false,
            RequestedHeartbeat = options.Heartbeat,
            RequestedConnectionTimeout = options.Timeout,
            HandshakeContinuationTimeout = options.Timeout,
            ContinuationTimeout = options.Timeout,
            MaxInboundMessageBodySize = MaxMessageBytes,
            SocketFactory = family => new BatchingTcpClient(ConnectionFactory.DefaultSocketFactory(family).Client),
        };
        var validate = options.CertificateAuthority is { } file ? Trust(ReadAuthorities(file)) : null;
        // The endpoints that the client makes of a URI accept the certificate of another host, so these are made here.
        var nodes = uris.Select(uri => new AmqpTcpEndpoint(
            uri.Host,
            uri.Port,
            new SslOption(uri.Host, enabled: uri.Scheme == "amqps") { CertificateValidationCallback = validate },
            MaxMessageBytes));
        return (factory, nodes.ToArray());
    }

    /// <summary>The certificates in a PEM file.</summary>
    internal static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities;
    }

    private static string[] Split(string connectionString) =>
        connectionString.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static RemoteCertificateValidationCallback Trust(X509Certificate2Collection authorities) => (_, certificate, sent, errors) =>
    {
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        if (sent is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore); // the intermediate certificates that the broker sent
        }
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var presented = new X509Certificate2(certificate);
        return chain.Build(presented);
    };
}
