namespace Comet.TestUtilities.Brokers;

/// <summary>A broker for one test, or one run of all tests, that is removed with all its files.</summary>
public sealed class ScratchBroker : IAsyncDisposable
{
    private readonly EpmdProcess _epmd;

    private ScratchBroker(EpmdProcess epmd, RabbitNode node) => (_epmd, Node) = (epmd, node);

    public RabbitNode Node { get; }

    public static async Task<ScratchBroker> StartAsync(string settings = "")
    {
        RabbitNode.Install();
        var directory = Directory.CreateTempSubdirectory("comet-rabbitmq-").FullName;
        var epmd = new EpmdProcess();
        var broker = new ScratchBroker(epmd, new RabbitNode(directory, epmd, settings: settings));
        try
        {
            await broker.Node.StartAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        _epmd.Dispose();
        Directory.Delete(Node.Directory, recursive: true);
    }
}
