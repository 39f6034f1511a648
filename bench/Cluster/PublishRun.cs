using System.Diagnostics;
using System.Globalization;
using Comet.AspNetCore;
using Comet.TestUtilities.Brokers;

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

        Console.WriteLine(
            $"As fast as it is confirmed, {filling.Length + 22} bytes, median of {rounds} rounds. " +
            "CPU is that of both servers, without the broker.");
        Console.WriteLine($"{"publishers",10}  {"store",-8}  {"confirmed/s",11}  {"p50 ms",8}  {"p99 ms",8}  {"CPU us each",11}");
        foreach (var publishers in Numbers("publishers", "1,8,64"))
        {
            var medians = await Turns.MediansAsync(
                stores,
                rounds,
                store => ConfirmedPublishing.MeasureAsync(store.Publishing, Stamp(0, filling), publishers, duration),
                measured => measured.Rate);
            foreach (var (store, measured) in stores.Zip(medians))
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{publishers,10}  {store.Name,-8}  {measured.Rate,11:F0}  {measured.P50,8:F3}  {measured.P99,8:F3}  " +
                    $"{measured.Cpu,11:F1}"));
            }
        }
        Console.WriteLine(
            "From when a message was due to a reader, at a steady rate. In memory it is little but the lateness of the timer:");
        Console.WriteLine($"{"rate/s",10}  {"store",-8}  {"delivered/s",11}  {"p50 ms",8}  {"p99 ms",8}");
        foreach (var rate in Numbers("rates", "200,1000"))
        {
            var medians = await Turns.MediansAsync(
                stores, rounds, store => DeliverAsync(store.Publishing, store.Reading, filling, rate, duration), measured => measured.P50);
            foreach (var (store, measured) in stores.Zip(medians))
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{rate,10}  {store.Name,-8}  {measured.Rate,11:F0}  {measured.P50,8:F3}  {measured.P99,8:F3}"));
            }
        }
        Directory.Delete(folder, recursive: true);

        int[] Numbers(string name, string standard) => (settings[name] ?? standard).Split(',').Select(int.Parse).ToArray();
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

    private static async Task<(double Rate, double P50, double P99)> DeliverAsync(
        Feed<string> publishing, Feed<string> reading, string filling, int rate, TimeSpan duration)
    {
        var latencies = new LatencyHistogram();
        var count = (int)(rate * duration.TotalSeconds);
        var start = await publishing.PublishAsync(Stamp(0, filling));
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
        var begun = Stopwatch.GetTimestamp();
        var publishes = new List<Task>(count);
        while (publishes.Count < count)
        {
            // Stamped with the time it was due: one that could not be sent then is late for its readers all the same.
            var due = begun + (publishes.Count * Stopwatch.Frequency / rate);
            while (Stopwatch.GetTimestamp() < due)
            {
                await Task.Delay(1);
            }
            publishes.Add(publishing.PublishAsync(Stamp(due, filling)).AsTask());
        }
        await Task.WhenAll(publishes);
        await reader.WaitAsync(TimeSpan.FromSeconds(30));
        return (count / Stopwatch.GetElapsedTime(begun).TotalSeconds, latencies.Percentile(0.5), latencies.Percentile(0.99));
    }

    private static string Stamp(long due, string filling) => string.Create(CultureInfo.InvariantCulture, $"{due,20}{filling}");
}
