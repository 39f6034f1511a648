using Comet.TestUtilities;
using Comet.TestUtilities.Brokers;

namespace CometBench.Cluster;

/// <summary>
/// A broker of one or more nodes, two servers, each with a proxy on its way to a broker of one node, and nginx before them.
/// </summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly EpmdProcess _epmd = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("comet-rabbitmq-").FullName;
    private Nginx? _nginx;

    private Site(int nodes)
    {
        RabbitNode.Install();
        Nodes = Enumerable.Range(1, nodes).Select(number => new RabbitNode(_folder, _epmd, $"comet{number}")).ToArray();
        Proxies = nodes == 1 ? [new TcpProxy(Nodes[0].Port), new TcpProxy(Nodes[0].Port)] : [];
    }

    internal RabbitNode[] Nodes { get; }

    /// <summary>One for each server.</summary>
    internal TcpProxy[] Proxies { get; }

    internal ServerProcess[] Servers { get; private set; } = [];

    internal Uri Url => new($"http://{_nginx!.Address}");

    internal static async Task<Site> StartAsync(int nodes = 1)
    {
        var site = new Site(nodes);
        try
        {
            foreach (var node in site.Nodes)
            {
                await node.StartAsync();
            }
            foreach (var node in site.Nodes.Skip(1))
            {
                await node.ControlAsync("rabbitmqctl", "stop_app");
                await node.ControlAsync("rabbitmqctl", "join_cluster", $"{site.Nodes[0].Name}@localhost");
                await node.ControlAsync("rabbitmqctl", "start_app");
            }
            site.Servers = Enumerable.Range(0, 2).Select(site.NewServer).ToArray();
            foreach (var server in site.Servers)
            {
                await server.StartAsync();
            }
            site._nginx = await Nginx.StartAsync(site.Servers[0].Url, site.Servers[1].Url);
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _nginx?.Dispose();
        foreach (var server in Servers)
        {
            await server.DisposeAsync();
        }
        foreach (var proxy in Proxies)
        {
            await proxy.DisposeAsync();
        }
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }
        _epmd.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private ServerProcess NewServer(int index)
    {
        var ports = Proxies.Length > 0 ? [Proxies[index].Port] : Nodes.Select(node => node.Port);
        var broker = string.Join(',', ports.Select(port => $"amqp://guest:guest@127.0.0.1:{port}/"));
        return new ServerProcess(
            [typeof(Site).Assembly.Location, "serve"], ServerProcess.FreeAddress(), "--ConnectionStrings:RabbitMQ", broker);
    }
}
