using CometBench.Load.Servers;

namespace CometBench.Load.Client;

/// <summary>One server, started and warm, with its crowd and its publishers.</summary>
internal sealed class Session : IAsyncDisposable
{
    private const int PublisherCount = 4;

    private readonly ServerKind _kind;
    private readonly Settings _settings;
    private readonly ServerUnderTest _server;
    private readonly Crowd _crowd;
    private readonly List<Publisher> _publishers;
    private long _emptyMemory;

    private Session(ServerKind kind, ServerUnderTest server, Settings settings)
    {
        (_kind, _server, _settings) = (kind, server, settings);
        _crowd = new Crowd(kind, server.Streams);
        _publishers = Publishers(kind);
    }

    internal ServerUnderTest Server => _server;

    internal static async Task<Session> StartAsync(ServerKind kind, Settings settings)
    {
        var session = new Session(kind, await ServerUnderTest.StartAsync(kind), settings);
        try
        {
            await session.WarmUpAsync();
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    internal async Task<Figures> RunAsync(int connections, LoadShape load)
    {
        var stage = await PrepareAsync(_kind, _crowd, _publishers, connections);
        if (load.HasLeadIn)
        {
            await WarmUpAsync(stage, load);
        }
        return await stage.RunAsync(load);
    }

    /// <summary>Memory of the process per idle stream, as it is: no collection is forced.</summary>
    /// <param name="connections">How many.</param>
    /// <param name="watch">
    /// How long, for the processor time of what keeps them open: long enough for a heartbeat to each. Zero: not at all.
    /// </param>
    internal async Task<Figures> IdleAsync(int connections, TimeSpan watch)
    {
        await _crowd.ResizeAsync(connections);
        await Task.Delay(TimeSpan.FromSeconds(2));
        var busy = await Machine.WaitUntilQuietAsync();
        var tally = new Tally(connections, window: null);
        _crowd.Restart(tally);
        var cpu = _server.CpuTime;
        await Task.Delay(watch);
        return new Figures
        {
            BusyBefore = busy,
            BytesPerConnection = (double)(_server.Memory - _emptyMemory) / connections,
            IdleCores = watch > TimeSpan.Zero ? (_server.CpuTime - cpu) / watch : 0,
            Closed = tally.Closed,
            Silent = watch > TimeSpan.Zero ? _crowd.Scanners.Count(scanner => !scanner.HasHeard) : 0,
        };
    }

    public async ValueTask DisposeAsync()
    {
        _crowd.Dispose();
        _publishers.ForEach(publisher => publisher.Dispose());
        await _server.DisposeAsync();
    }

    private List<Publisher> Publishers(ServerKind kind) =>
        [.. Enumerable.Range(0, PublisherCount).Select(i => new Publisher(i, _server.Address, kind.PublishPath, _settings.Size))];

    private async Task<Stage> PrepareAsync(ServerKind kind, Crowd crowd, List<Publisher> publishers, int connections)
    {
        await crowd.ResizeAsync(connections);
        // A server may answer a little before it has registered the stream.
        await Task.Delay(TimeSpan.FromSeconds(1));
        return new Stage(_server, crowd, kind.AudienceOf(connections), publishers);
    }

    private static async Task WarmUpAsync(Stage stage, LoadShape load)
    {
        var figures = await stage.RunAsync(load);
        if (!figures.IsFlawless)
        {
            Console.Error.WriteLine($"warm-up: {figures.Flaws}");
        }
    }

    // Over one feed, whatever is measured later: its messages reach every connection.
    private async Task WarmUpAsync()
    {
        var kind = _kind with { Rooms = Math.Min(_kind.Rooms, 1), Feed = "" };
        var publishers = Publishers(kind);
        foreach (var publisher in _publishers.Concat(publishers))
        {
            await publisher.ConnectAsync();
        }
        using var crowd = new Crowd(kind, _server.Streams);
        for (var round = 0; round < 3; round++)
        {
            await WarmUpAsync(await PrepareAsync(kind, crowd, publishers, 100), new WarmUp(500, _settings.Size));
            await crowd.ResizeAsync(0);
        }
        publishers.ForEach(publisher => publisher.Dispose());
        await _server.WaitUntilQuietAsync();
        _emptyMemory = _server.Memory;
    }
}
