using CometBench.Load.Client;
using CometBench.Load.Reports;
using CometBench.Load.Servers;

namespace CometBench.Load.Suites;

/// <summary>A server that is told to stop while streams are open: when it has, and when its clients come back.</summary>
internal sealed class StopSuite(Settings settings)
{
    private const int Dialers = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(10);

    private readonly Progress _progress = new(3);

    internal async Task RunAsync()
    {
        List<StopRun> runs =
        [
            await MeasureAsync("at once", [], "/sub", settings.Held),
            await MeasureAsync(
                FormattableString.Invariant($"over {settings.Drain.TotalSeconds:0.#} s"),
                ["--Comet:Drain", $"{settings.Drain:c}"],
                "/sub",
                settings.Held),
            await MeasureAsync("sequences, at once", [], "/clock", settings.Held / 10),
        ];
        Console.WriteLine();
        Console.WriteLine(await StopReport.WriteAsync(runs, settings));
    }

    private async Task<StopRun> MeasureAsync(string name, string[] arguments, string path, int count)
    {
        await using var server = await ServerUnderTest.StartAsync(ServerKind.Comet with { Arguments = arguments });
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri($"http://{server.Streams}"),
            Timeout = AnswerPatience,
        };
        ReturningStream[] streams = [.. Enumerable.Range(0, DescriptorLimit.Cap(count)).Select(_ => new ReturningStream(client, path))];
        await Parallel.ForEachAsync(
            streams, new ParallelOptions { MaxDegreeOfParallelism = Dialers }, async (stream, _) => await stream.OpenAsync());
        await server.WaitUntilQuietAsync();
        var stop = await server.StopAsync();
        await Task.WhenAll(streams.Select(stream => stream.WaitAsync(Patience)));
        _progress.Report(FormattableString.Invariant($"{name}: {streams.Length} streams, {stop.Took.TotalSeconds:0.00} s to exit"));
        return new StopRun(name, stop, streams);
    }
}
