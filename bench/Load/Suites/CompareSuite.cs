using CometBench.Load.Client;
using CometBench.Load.Reports;
using CometBench.Load.Servers;

namespace CometBench.Load.Suites;

/// <summary>
/// Every server, one after another, each in a fresh process: steady traffic and saturation, then memory of idle connections.
/// </summary>
internal sealed class CompareSuite(Settings settings, IReadOnlyList<ServerKind> servers)
{
    private readonly Progress _progress = new(settings.Runs * servers.Count * (settings.Connections.Length + 1 + settings.Idle.Length));
    private readonly List<Measurement> _measurements = [];
    private readonly List<string> _failures = [];

    internal async Task RunAsync()
    {
        var busy = settings.Connections.Select(n => (StageKind.Steady, n))
            .Append((StageKind.Saturation, settings.Saturate))
            .OrderBy(stage => stage.Item2);
        var idle = settings.Idle.Order().Select(n => (StageKind.Idle, n));
        var table = "";
        for (var run = 1; run <= settings.Runs; run++)
        {
            foreach (var server in servers)
            {
                await MeasureAsync(server, busy, run);
                await MeasureAsync(server, idle, run);
                table = await ComparisonReport.WriteAsync(_measurements, _failures, settings); // what an interrupted run leaves
            }
        }
        Console.WriteLine();
        Console.WriteLine(table);
        Console.WriteLine($"Table and chart: {Path.GetFullPath(settings.Out)}");
    }

    private async Task MeasureAsync(ServerKind server, IEnumerable<(StageKind Kind, int Connections)> stages, int run)
    {
        Session? session = null;
        foreach (var (kind, n) in stages)
        {
            var name = $"{server.Name,-12} {n,6:#,0} {kind.ToString().ToLowerInvariant(),-10}";
            var measurement = MeasurementOf(server, kind, n);
            try
            {
                session ??= await Session.StartAsync(server, settings);
                var figures = kind switch
                {
                    StageKind.Steady => await session.RunAsync(n, new PacedLoad(settings.Rate, n, settings.Duration)),
                    StageKind.Saturation => await session.RunAsync(n, new SaturatingLoad(settings.Duration)),
                    _ => await session.IdleAsync(n, TimeSpan.Zero),
                };
                measurement.Runs.Add(figures);
                _progress.Report($"{name}  {Measurement.Line(kind, figures)}");
            }
            catch (Exception exception) // whatever it is: the other stages and servers are worth measuring all the same
            {
                _progress.Report($"{name}  FAILED: {exception.Message}");
                _failures.Add($"{server.Title}, {kind.ToString().ToLowerInvariant()}, N = {n:#,0}, run {run}: {exception.Message}");
                await DisposeAsync();
            }
        }
        await DisposeAsync();

        async Task DisposeAsync()
        {
            if (session is not null)
            {
                await session.DisposeAsync();
                session = null;
            }
        }
    }

    private Measurement MeasurementOf(ServerKind server, StageKind kind, int n)
    {
        var measurement = _measurements.FirstOrDefault(m => m.Server == server && m.Kind == kind && m.Connections == n);
        if (measurement is null)
        {
            _measurements.Add(measurement = new Measurement(server, kind, n));
        }
        return measurement;
    }
}
