using System.Diagnostics;
using CometBench.Load.Servers;

namespace CometBench.Load.Client;

/// <summary>Publishes to a crowd, waits for the deliveries, and takes the figures.</summary>
internal sealed class Stage(ServerUnderTest server, Crowd crowd, int audience, IReadOnlyList<Publisher> publishers)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    internal async Task<Figures> RunAsync(LoadShape load)
    {
        var busy = await server.WaitUntilQuietAsync();
        var tally = new Tally(audience, load.Window);
        crowd.Restart(tally);
        foreach (var publisher in publishers)
        {
            publisher.Restart();
        }
        var (start, ownCpu, cpu) = (Marker.Now, Environment.CpuUsage.TotalTime, server.CpuTime);
        var published = await PublishAsync(load);
        var accepted = published / Stopwatch.GetElapsedTime(start).TotalSeconds;
        await DrainAsync(tally, published * audience);
        cpu = server.CpuTime - cpu;
        lock (tally)
        {
            var elapsed = Stopwatch.GetElapsedTime(start, Math.Max(tally.LastDeliveryAt, start + 1)).TotalSeconds;
            return new Figures
            {
                BusyBefore = busy,
                CpuPerDelivery = cpu.TotalMicroseconds / Math.Max(1, tally.Deliveries),
                P50 = tally.Latency.Percentile(0.50),
                P99 = tally.Latency.Percentile(0.99),
                DeliveriesPerSecond = tally.Deliveries / elapsed,
                AcceptedPerSecond = accepted,
                ClientCores = (Environment.CpuUsage.TotalTime - ownCpu).TotalSeconds / elapsed,
                Missing = crowd.Scanners.Sum(scanner => Math.Max(0, (published * audience / crowd.Count) - scanner.Received)),
                Reordered = tally.Reordered,
                Malformed = tally.Malformed,
                Closed = tally.Closed,
            };
        }
    }

    private async Task<long> PublishAsync(LoadShape load)
    {
        using var limit = new CancellationTokenSource(load.Duration + Grace);
        try
        {
            return await load.PublishAsync(publishers, limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The server had not accepted all messages {Grace.TotalSeconds} s after they were due.");
        }
    }

    private static async Task DrainAsync(Tally tally, long expected)
    {
        var (seen, quiet) = (-1L, Stopwatch.StartNew());
        while (true)
        {
            lock (tally)
            {
                if (tally.Deliveries >= expected)
                {
                    return;
                }
                if (tally.Deliveries != seen)
                {
                    (seen, quiet) = (tally.Deliveries, Stopwatch.StartNew());
                }
            }
            if (quiet.Elapsed > Patience)
            {
                return;
            }
            await Task.Delay(10);
        }
    }
}
