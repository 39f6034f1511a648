using Comet.AspNetCore.RabbitMQ.Connections;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Brokers;
using Comet.TestUtilities.Conformance;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ.Tests;

public sealed class ConnectionTests(Broker broker)
{
    private const string Secret = "hushhush";

    [Theory]
    [InlineData("")]
    [InlineData("hushhush")]
    [InlineData("http://user:hushhush@localhost/")]
    [InlineData("amqp://user:hushhush@/")]
    [InlineData("amqp://user:hushhush@host/a/b")]
    [InlineData("amqp://user:hushhush@host/?heartbeat=5")]
    [InlineData("amqp://user:hushhush@host:port/")]
    [InlineData("amqp://user:hush:hushhush@host/")]
    [InlineData("amqp://user:hushhush@one,amqps://user:hushhush@two")]
    public async Task A_malformed_connection_string_is_reported_at_start_without_its_text(string connectionString)
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => Server.StartAsync(connectionString));

        Assert.Contains("ConnectionStrings:RabbitMQ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_out_of_range_are_reported_at_start_all_at_once()
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => Server.StartAsync(broker.ConnectionString, options =>
        {
            options.CertificateAuthority = "/nowhere";
            options.Prefix = "a b";
            options.Partitions = 0;
            options.PartitionBytes = 0;
            options.RecentBytes = -1;
            options.Timeout = TimeSpan.Zero;
            options.Heartbeat = TimeSpan.Zero;
        }));

        Assert.Equal(7, exception.Failures.Count());
    }

    [Fact]
    public void The_nodes_of_a_cluster_share_user_password_and_virtual_host_of_the_first()
    {
        var options = new RabbitMQStoreOptions { ConnectionString = "amqps://me:a%2Fb@one:1234/place, amqps://two" };

        var (factory, nodes) = RabbitMQAddress.Read(options);


        Assert.Equal(("me", "a/b", "place"), (factory.UserName, factory.Password, factory.VirtualHost));
        Assert.Equal(["one:1234", "two:5671"], nodes.Select(node => $"{node.HostName}:{node.Port}"));
        Assert.All(nodes, node => Assert.True(node.Ssl.Enabled));
        Assert.Equal(["one", "two"], nodes.Select(node => node.Ssl.ServerName));
    }

    [Fact]
    public async Task The_connection_string_comes_from_the_configuration()
    {
        await using var server = await StoreHost.StartAsync(builder =>
        {
            builder.Configuration["ConnectionStrings:RabbitMQ"] = broker.ConnectionString;
            builder.Configuration["Comet:RabbitMQ:Prefix"] = "configured";
            builder.Services.AddCometRabbitMQ();
            builder.Services.AddCometRabbitMQ();
        });

        await server.BecomesAsync(HealthStatus.Healthy);
        Assert.Equal("configured", server.Services.GetRequiredService<IOptions<RabbitMQStoreOptions>>().Value.Prefix);
        Assert.IsType<RabbitMQStore>(server.Store);
    }

    [Fact]
    public async Task A_password_is_neither_logged_nor_thrown()
    {
        var log = new RecordedLog();
        var address = new UriBuilder(broker.ConnectionString) { UserName = "nobody", Password = Secret }.ToString();
        await using var server = await StoreHost.StartAsync(builder =>
        {
            builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Trace);
            builder.AddPatientRabbitMQ(address);
        });

        await Eventually.HoldsAsync(
            () => log.Lines.Any(line => line.Contains("cannot be reached", StringComparison.Ordinal)), "the operators are told");
        server.SetTimeout(Server.Brief);

        var exception = await Assert.ThrowsAsync<FeedUnavailableException>(() => server.OpenAsync(Server.NewName(), new RecordingTail()));

        Assert.DoesNotContain(Secret, exception.ToString(), StringComparison.Ordinal);
        Assert.All(log.Lines, line => Assert.DoesNotContain(Secret, line, StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task Tls_is_used_and_the_certificate_is_checked()
    {
        broker.SkipIfNamed();
        var directory = Directory.CreateTempSubdirectory("comet-tls-").FullName;
        var (authority, chain, certificate, key) = WriteCertificates(directory);
        await using var own = await ScratchBroker.StartAsync($"""
            listeners.ssl.1 = {RabbitNode.TlsAddress}
            ssl_options.cacertfile = {chain}
            ssl_options.certfile = {certificate}
            ssl_options.keyfile = {key}
            """);
        var address = $"amqps://guest:guest@127.0.0.1:{own.Node.TlsPort}/";

        await using (var trusting = await Server.StartAsync(address, options => options.CertificateAuthority = authority))
        {
            await using var log = await trusting.OpenAsync(Server.NewName(), new RecordingTail());
            await log.AppendAsync("1");
        }
        await using (var doubting = await Server.StartAsync(address, options => options.Timeout = Server.Brief))
        {
            await Assert.ThrowsAsync<FeedUnavailableException>(() => doubting.OpenAsync(Server.NewName(), new RecordingTail()));
        }
        var elsewhere = $"amqps://guest:guest@localhost:{own.Node.TlsPort}/"; // the certificate is for the IP address only
        await using (var misled = await Server.StartAsync(
            elsewhere,
            options => (options.CertificateAuthority, options.Timeout) = (authority, Server.Brief)))
        {
            await Assert.ThrowsAsync<FeedUnavailableException>(() => misled.OpenAsync(Server.NewName(), new RecordingTail()));
        }
        Directory.Delete(directory, recursive: true);
    }

    // The file begins with another authority; an intermediate authority, which the broker sends, has signed the broker's certificate.
    private static (string Authorities, string Chain, string Certificate, string Key) WriteCertificates(string directory)
    {
        using var other = TestCertificate.SelfSigned("CN=Another authority");
        using var root = TestCertificate.SelfSigned("CN=Comet test authority");
        using var intermediate = root.Sign("CN=Comet test intermediate", isAuthority: true);
        using var certificate = intermediate.Sign("CN=127.0.0.1", isAuthority: false);
        return (
            Write("authorities.pem", $"{other.Pem}\n{root.Pem}"),
            Write("chain.pem", $"{intermediate.Pem}\n{root.Pem}"),
            Write("certificate.pem", certificate.Pem),
            Write("key.pem", certificate.KeyPem));

        string Write(string name, string pem)
        {
            var file = Path.Combine(directory, name);
            File.WriteAllText(file, pem);
            return file;
        }
    }
}
