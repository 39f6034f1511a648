using System.Diagnostics;
using System.Globalization;
using Comet.AspNetCore;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using CometBench.Load.Client;

namespace CometBench.Cluster;

/// <summary>
/// Publishes as fast as the store confirms, and at a steady rate to a reader who is at another server when there is one; in memory and
/// in RabbitMQ by turns.
/// </summary>
internal static class PublishRun
{
    internal static async Task RunAsync(IConfiguration settings)
    {
        var duration = TimeSpan.FromSeconds(settings.GetValue("seconds", 3.0));
        var filling = new string('x', settings.GetValue("size", 100) - 22);
        var rounds = settings.GetValue("rounds", 3);
        RabbitNode.Install();
        var folder = Directory.CreateTempSubdirectory("comet-rabbitmq-").FullName;
        using var epmd = new EpmdProcess();
        await using var node = new RabbitNode(folder, epmd);
        await node.StartAsync();
        await using var memory = await StartAsync(null);
        await using var here = await StartAsync(node.ConnectionString);
        await using var there = await StartAsync(node.ConnectionString);
        (string Name, Feed<string> Publishing, Feed<string> Reading)[] stores =
        [
            ("memory", FeedOf(memory), FeedOf(memory)),
            ("rabbitmq", FeedOf(here), FeedOf(there)),
        ];
        foreach (var (_, publishing, reading) in stores)
        {
            await DeliverAsync(publishing, reading, filling, 500, TimeSpan.FromSeconds(2)); // compiled and warm
        }

        Console.WriteLine($"As fast as it is confirmed, {filling.Length + 22} bytes, median of {rounds} rounds. CPU is that of both servers, without the broker.");
        Console.WriteLine($"{"publishers",10}  {"store",-8}  {"confirmed/s",11}  {"p50 ms",8}  {"p99 ms",8}  {"CPU us each",11}");
        foreach (var publishers in Numbers("publishers", "1,8,64"))
        {
            foreach (var (store, measured) in await ByTurnsAsync(store => PublishAsync(store.Publishing, filling, publishers, duration)))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{publishers,10}  {store,-8}  {measured.Rate,11:F0}  {measured.P50,8:F3}  {measured.P99,8:F3}  {measured.Cpu,11:F1}"));
            }
        }
        Console.WriteLine("From publishing to a reader, at a steady rate:");
        Console.WriteLine($"{"rate/s",10}  {"store",-8}  {"delivered/s",11}  {"p50 ms",8}  {"p99 ms",8}");
        foreach (var rate in Numbers("rates", "200,1000"))
        {
            foreach (var (store, measured) in await ByTurnsAsync(store => DeliverAsync(store.Publishing, store.Reading, filling, rate, duration)))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rate,10}  {store,-8}  {measured.Rate,11:F0}  {measured.P50,8:F3}  {measured.P99,8:F3}"));
            }
        }
        Directory.Delete(folder, recursive: true);

        int[] Numbers(string name, string standard) => (settings[name] ?? standard).Split(',').Select(int.Parse).ToArray();

        async Task<List<(string Store, Figures Measured)>> ByTurnsAsync(Func<(string Name, Feed<string> Publishing, Feed<string> Reading), Task<Figures>> measure)
        {
            var figures = stores.ToDictionary(store => store.Name, _ => new List<Figures>());
            for (var round = 0; round < rounds; round++)
            {
                foreach (var store in stores)
                {
                    figures[store.Name].Add(await measure(store));
                }
            }
            return stores.Select(store => (store.Name, figures[store.Name].OrderBy(figure => figure.P50).ElementAt(rounds / 2))).ToList();
        }
    }

    internal static async Task<WebApplication> StartAsync(string? broker)
    {
        var builder = BenchHost.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.Services.AddComet();
        if (broker is not null)
        {
            builder.Services.AddCometRabbitMQ(options => options.ConnectionString = broker);
        }
        ClusterServer.AddFeed(builder);
        var app = builder.Build();
        await app.StartAsync();
        return app;
    }

    private static Feed<string> FeedOf(WebApplication app) => app.Services.GetRequiredService<Feed<string>>();

    private static async Task<Figures> PublishAsync(Feed<string> feed, string filling, int publishers, TimeSpan duration)
    {
        var latencies = new LatencyHistogram();
        GC.Collect();
        var cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        var measured = await Task.WhenAll(Enumerable.Range(0, publishers).Select(_ => Task.Run(async () =>
        {
            var own = new List<long>();
            while (clock.Elapsed < duration)
            {
                var begun = Stopwatch.GetTimestamp();
                await feed.PublishAsync(Stamp(filling));
                own.Add(Stopwatch.GetTimestamp() - begun);
            }
            return own;
        })));
        var elapsed = clock.Elapsed;
        var used = Environment.CpuUsage.TotalTime - cpu;
        var count = 0;
        foreach (var latency in measured.SelectMany(own => own))
        {
            latencies.Add(latency);
            count++;
        }
        return new Figures(count / elapsed.TotalSeconds, latencies.Percentile(0.5), latencies.Percentile(0.99), used.TotalMicroseconds / count);
    }

    private static async Task<Figures> DeliverAsync(Feed<string> publishing, Feed<string> reading, string filling, int rate, TimeSpan duration)
    {
        var latencies = new LatencyHistogram();
        var count = (int)(rate * duration.TotalSeconds);
        var start = await publishing.PublishAsync(Stamp(filling));
        var reader = Task.Run(async () =>
        {
            var read = 0;
            await foreach (var message in reading.ReadAsync(start))
            {
                latencies.Add(Stopwatch.GetTimestamp() - long.Parse(message.Value.AsSpan(0, 20), CultureInfo.InvariantCulture));
                if (++read == count)
                {
                    return;
                }
            }
        });
        var clock = Stopwatch.StartNew();
        var publishes = new List<Task>(count);
        while (publishes.Count < count)
        {
            for (var due = clock.Elapsed.TotalSeconds * rate; publishes.Count < Math.Min(count, due);)
            {
                publishes.Add(publishing.PublishAsync(Stamp(filling)).AsTask());
            }
            await Task.Delay(1);
        }
        await Task.WhenAll(publishes);
        await reader.WaitAsync(TimeSpan.FromSeconds(30));
        return new Figures(count / clock.Elapsed.TotalSeconds, latencies.Percentile(0.5), latencies.Percentile(0.99), 0);
    }

    private static string Stamp(string filling) => string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetTimestamp(),20}{filling}");

    private sealed record Figures(double Rate, double P50, double P99, double Cpu);
}
