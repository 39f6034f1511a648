using System.Diagnostics;
using CometBench.Load.Client;
using CometBench.Load.Reports;
using CometBench.Load.Servers;

namespace CometBench.Load.Suites;

/// <summary>Whether streams that stop being read cost those that are read anything, and the server more than a little memory.</summary>
internal sealed class SlowSuite(Settings settings)
{
    private const int Samples = 6;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    private readonly Progress _progress = new(2 * settings.Runs);

    internal async Task RunAsync()
    {
        var (alone, beside) = (new List<SlowRun>(), new List<SlowRun>());
        var table = "";
        for (var run = 0; run < settings.Runs; run++)
        {
            alone.Add(await MeasureAsync(0));
            beside.Add(await MeasureAsync(settings.Stalled));
            table = await SlowReport.WriteAsync(alone, beside, settings); // what an interrupted run leaves
        }
        Console.WriteLine();
        Console.WriteLine(table);
    }

    private async Task<SlowRun> MeasureAsync(int count)
    {
        await using var session = await Session.StartAsync(ServerKind.Comet, settings);
        var (samples, stalled) = (new List<MemorySample>(), new List<StalledStream>());
        try
        {
            var load = new PacedLoad(settings.Rate, settings.Fast, settings.Duration) { Publishers = 4 };
            var figures = await session.RunAsync(settings.Fast, new Accompanied(load, WatchAsync));
            var ends = await Task.WhenAll(stalled.Select(async stream => (stream.CutAfter, await stream.ReadToEndAsync())));
            _progress.Report($"{count} stalled  {Measurement.Line(StageKind.Steady, figures)}");
            return new SlowRun(figures, samples, ends);
        }
        finally
        {
            stalled.ForEach(stream => stream.Dispose());
        }

        async Task WatchAsync(CancellationToken over)
        {
            var clock = Stopwatch.StartNew();
            await SampleAsync();
            for (var i = 0; i < count; i++)
            {
                stalled.Add(await StalledStream.OpenAsync(session.Server.Streams, ServerKind.Comet.SubscribePath(i)));
            }
            while (!over.IsCancellationRequested)
            {
                stalled.ForEach(stream => stream.Look());
                if (samples.Count < Samples && clock.Elapsed >= settings.Duration / Samples * samples.Count)
                {
                    await SampleAsync();
                }
                await Task.Delay(Period, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            await SampleAsync();

            async Task SampleAsync() =>
                samples.Add(new MemorySample(clock.Elapsed, session.Server.Memory, (await session.Server.StateAsync()).Streams));
        }
    }
}
