using System.Net;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.TestUtilities.Brokers;

[assembly: AssemblyFixture(typeof(Broker))]

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>The broker of all tests that neither stop nor configure it.</summary>
public sealed class Broker : IAsyncLifetime
{
    private ScratchBroker? _own;

    public string ConnectionString { get; private set; } = "";

    /// <summary>Skips a test that needs a broker which it can configure or stop, when COMET_RABBITMQ names one.</summary>
    public void SkipIfNamed() =>
        Assert.SkipWhen(_own is null, "The test starts a broker of its own, but COMET_RABBITMQ names one to be used instead.");

    /// <summary>The connection string of the broker behind a proxy.</summary>
    public string Through(TcpProxy proxy) => new UriBuilder(ConnectionString) { Host = "127.0.0.1", Port = proxy.Port }.ToString();

    public TcpProxy NewProxy()
    {
        var address = new Uri(ConnectionString);
        return new(new DnsEndPoint(address.Host, address.IsDefaultPort ? 5672 : address.Port));
    }

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("COMET_RABBITMQ") is { Length: > 0 } named)
        {
            ConnectionString = named;
            return;
        }
        _own = await ScratchBroker.StartAsync();
        ConnectionString = _own.Node.ConnectionString;
    }

    public async ValueTask DisposeAsync()
    {
        if (_own is not null)
        {
            await _own.DisposeAsync();
        }
    }
}
