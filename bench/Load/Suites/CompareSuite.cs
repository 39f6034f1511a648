using CometBench.Load.Client;
using CometBench.Load.Reports;
using CometBench.Load.Servers;

namespace CometBench.Load.Suites;

/// <summary>Every server, one after another, each in a fresh process: steady traffic and saturation, then memory of idle connections.</summary>
internal static class CompareSuite
{
    internal static async Task<List<Measurement>> RunAsync(Settings settings, IReadOnlyList<ServerKind> servers)
    {
        var measurements = new List<Measurement>();
        var progress = new Progress(settings.Runs * servers.Count * (settings.Connections.Length + 1 + settings.Idle.Length));
        for (var run = 0; run < settings.Runs; run++)
        {
            foreach (var server in servers)
            {
                await PushAsync(server);
                await IdleAsync(server);
            }
        }
        return Measurement.Medians(measurements);

        async Task PushAsync(ServerKind server)
        {
            await using var session = await Session.StartAsync(server, settings);
            var stages = settings.Connections.Select(n => (n, StageKind.Steady)).Append((settings.Saturate, StageKind.Saturation));
            foreach (var (n, kind) in stages.OrderBy(stage => stage.Item1))
            {
                Add(server, kind, n, await session.RunAsync(
                    n, kind == StageKind.Steady ? new PacedLoad(settings.Rate, settings.Duration) : new SaturatingLoad(settings.Duration)));
            }
        }

        async Task IdleAsync(ServerKind server)
        {
            await using var session = await Session.StartAsync(server, settings);
            foreach (var n in settings.Idle.Order())
            {
                Add(server, StageKind.Idle, n, await session.IdleAsync(n, TimeSpan.Zero));
            }
        }

        void Add(ServerKind server, StageKind kind, int n, Figures figures)
        {
            var measurement = new Measurement(server, kind, n, figures);
            measurements.Add(measurement);
            progress.Report($"{server.Name,-12} {n,6:#,0} {kind.ToString().ToLowerInvariant(),-10}  {measurement.Line}");
        }
    }
}
