using System.Net;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;

[assembly: AssemblyFixture(typeof(Broker))]

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>The broker of all tests that leave it running.</summary>
public sealed class Broker : IAsyncLifetime
{
    private ScratchBroker? _own;

    public string ConnectionString { get; private set; } = "";

    /// <summary>For a test that needs a broker which it can configure, stop or spoil.</summary>
    public void SkipIfNamed() => Assert.SkipWhen(_own is null, "It starts a broker of its own, but COMET_RABBITMQ names one to be used instead.");

    /// <summary>The same broker by way of a gate.</summary>
    public string Through(TcpProxy gate) => new UriBuilder(ConnectionString) { Host = "127.0.0.1", Port = gate.Port }.ToString();

    public TcpProxy NewGate()
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
