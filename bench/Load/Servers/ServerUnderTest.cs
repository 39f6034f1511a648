using System.Net;

namespace CometBench.Load.Servers;

/// <summary>A server under test and what lies before it, for as long as it is measured.</summary>
internal sealed class ServerUnderTest : IAsyncDisposable
{
    private readonly ServerProcess _process;

    private Nginx? _nginx;

    private ServerUnderTest(ServerProcess process, IPEndPoint address, IPEndPoint streams)
    {
        (_process, Address, Streams) = (process, address, streams);
    }

    /// <summary>Where messages are published.</summary>
    internal IPEndPoint Address { get; }

    /// <summary>Where streams are opened.</summary>
    internal IPEndPoint Streams { get; private set; }

    internal TimeSpan CpuTime => _process.CpuTime;

    internal long Memory => _process.Memory;

    internal static async Task<ServerUnderTest> StartAsync(ServerKind kind)
    {
        var address = ServerProcess.FreeAddress();
        var secure = kind.Route is Route.Tls or Route.Http2;
        var streams = secure ? ServerProcess.FreeAddress() : address;
        // In this order: once it answers at the second address, it listens at the first.
        string[] urls = secure ? ["--urls", $"https://{streams};http://{address}"] : [];
        var server = new ServerUnderTest(new ServerProcess([kind.Assembly], address, [.. urls, .. kind.Arguments]), address, streams);
        try
        {
            await server._process.StartAsync();
            if (kind.Route == Route.Nginx)
            {
                server._nginx = await Nginx.StartAsync(server._process.Url);
                server.Streams = server._nginx.Address;
            }
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the server uses less than 1 % of a core: compilation, collections and timers have settled.</summary>
    internal async Task WaitUntilQuietAsync()
    {
        var period = TimeSpan.FromMilliseconds(300);
        for (int quiet = 0, i = 0; quiet < 2 && i < 10; i++)
        {
            var before = CpuTime;
            await Task.Delay(period);
            quiet = CpuTime - before < period / 100 ? quiet + 1 : 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _nginx?.Dispose();
        await _process.DisposeAsync();
    }
}
