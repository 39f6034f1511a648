using Comet.AspNetCore.RabbitMQ.Tests.Hosting;

[assembly: AssemblyFixture(typeof(Broker))]

namespace Comet.AspNetCore.RabbitMQ.Tests.Hosting;

/// <summary>The broker of all tests that leave it running.</summary>
public sealed class Broker : IAsyncLifetime
{
    private ScratchBroker? _own;

    public string ConnectionString { get; private set; } = "";

    /// <summary>The same broker by way of a gate.</summary>
    public string Through(TcpGate gate) => new UriBuilder(ConnectionString) { Host = "127.0.0.1", Port = gate.Port }.ToString();

    public TcpGate NewGate() => new(new Uri(ConnectionString) is { Port: > 0 } uri ? uri.Port : 5672);

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
