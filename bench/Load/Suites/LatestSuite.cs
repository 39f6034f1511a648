using System.Globalization;
using CometBench.Load.Client;
using CometBench.Load.Servers;

namespace CometBench.Load.Suites;

/// <summary>How old the values are that a slow line brings, where a slow client is to have the newest.</summary>
internal sealed class LatestSuite(Settings settings)
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    internal async Task RunAsync()
    {
        await using var server = await ServerUnderTest.StartAsync(ServerKind.Comet);
        using var small = new SlowStream(settings.Line, settings.Buffer);
        using var usual = new SlowStream(settings.Line, receiveBuffer: null);
        SlowStream[] lines = [small, usual];
        foreach (var line in lines)
        {
            await line.OpenAsync(server.Streams, "/latest/sub");
        }
        using var over = new CancellationTokenSource();
        var reading = Array.ConvertAll(lines, line => line.ReadAsync(over.Token));
        using (var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan })
        {
            var what = string.Create(Invariant, $"rate={settings.Rate}&seconds={settings.Duration.TotalSeconds:0}&size={settings.Size}");
            using var published = await client.PostAsync($"http://{server.Address}/latest/pub?{what}", null);
            published.EnsureSuccessStatusCode();
        }
        over.Cancel();
        await Task.WhenAll(reading);
        Console.WriteLine(string.Create(
            Invariant,
            $"\n{settings.Rate:#,0} messages/s of {settings.Size} bytes for {settings.Duration.TotalSeconds:0} s, " +
            $"a line of {settings.Line:#,0} bytes/s\n"));
        Console.WriteLine("| receive buffer | messages read | age: median, s | oldest, s |\n|---|---:|---:|---:|");
        Write($"{settings.Buffer.ToString("#,0", Invariant)} bytes", small);
        Write("the system's default", usual);
    }

    private static void Write(string buffer, SlowStream line) => Console.WriteLine(string.Create(
        Invariant,
        $"| {buffer} | {line.Messages:#,0}{(line.WasCut ? ", then cut" : "")} | {line.Ages.Percentile(0.5) / 1000:0.00} | " +
        $"{line.Ages.Percentile(1) / 1000:0.00} |"));
}
