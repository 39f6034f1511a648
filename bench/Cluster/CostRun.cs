using System.Diagnostics;
using System.Globalization;
using Comet.AspNetCore;
using Comet.TestUtilities.Brokers;

namespace CometBench.Cluster;

/// <summary>
/// What one message costs the broker and the servers in CPU, with more and more servers that read it; and what one stream costs
/// to open.
/// </summary>
internal static class CostRun
{
    private const int Publishers = 64;

    internal static async Task RunAsync(IConfiguration settings)
    {
        var messages = settings.GetValue("messages", 20_000);
        var text = new string('x', settings.GetValue("size", 100) - 2);
        RabbitNode.Install();
        var folder = Directory.CreateTempSubdirectory("comet-rabbitmq-").FullName;
        using var epmd = new EpmdProcess();
        await using var node = new RabbitNode(folder, epmd);
        await node.StartAsync();
        var servers = new List<WebApplication>();
        Console.WriteLine($"{messages} messages of {text.Length + 2} bytes by {Publishers} publishers");
        Console.WriteLine($"{"servers",8}  {"confirmed/s",11}  {"broker CPU us each",18}  {"servers' CPU us each",20}");
        foreach (var count in (settings["servers"] ?? "1,2,4,8").Split(',').Select(int.Parse))
        {
            while (servers.Count < count)
            {
                servers.Add(await PublishRun.StartAsync(node.ConnectionString));
                await PublishAsync(servers[^1], text, 1000);
            }
            GC.Collect();
            var (broker, own, clock) = (node.CpuTime, Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
            await PublishAsync(servers[0], text, messages);
            var elapsed = clock.Elapsed;
            await Task.Delay(500); // until all have read it
            var atBroker = (node.CpuTime - broker).TotalMicroseconds / messages;
            var atServers = (Environment.CpuUsage.TotalTime - own).TotalMicroseconds / messages;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{count,8}  {messages / elapsed.TotalSeconds,11:F0}  {atBroker,18:F1}  {atServers,20:F1}"));
        }
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }
        Directory.Delete(folder, recursive: true);
    }

    private static async Task PublishAsync(WebApplication server, string text, int messages)
    {
        var feed = server.Services.GetRequiredService<Feed<string>>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, messages),
            new ParallelOptions { MaxDegreeOfParallelism = Publishers },
            async (_, cancellation) => await feed.PublishAsync(text, cancellation));
    }
}
