using System.Diagnostics;
using Comet.AspNetCore;

namespace CometBench;

/// <summary>What publishers in this process got, each of which publishes again as soon as its message is confirmed.</summary>
/// <param name="Rate">Messages a second.</param>
/// <param name="P50">Latency in milliseconds; so are the next two.</param>
/// <param name="P99">The 99th percentile.</param>
/// <param name="Max">The longest.</param>
/// <param name="Cpu">Of this process for each message, in microseconds.</param>
internal sealed record ConfirmedPublishing(double Rate, double P50, double P99, double Max, double Cpu)
{
    internal static async Task<ConfirmedPublishing> MeasureAsync(Feed<string> feed, string message, int publishers, TimeSpan duration)
    {
        GC.Collect();
        var cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        var latencies = await Task.WhenAll(Enumerable.Range(0, publishers).Select(_ => Task.Run(async () =>
        {
            var own = new List<long>();
            while (clock.Elapsed < duration)
            {
                var start = Stopwatch.GetTimestamp();
                await feed.PublishAsync(message);
                own.Add(Stopwatch.GetTimestamp() - start);
            }
            return own;
        })));
        var elapsed = clock.Elapsed;
        cpu = Environment.CpuUsage.TotalTime - cpu;
        var histogram = new LatencyHistogram();
        foreach (var ticks in latencies.SelectMany(own => own))
        {
            histogram.Add(ticks);
        }
        var count = latencies.Sum(own => own.Count);
        return new ConfirmedPublishing(
            count / elapsed.TotalSeconds,
            histogram.Percentile(0.5),
            histogram.Percentile(0.99),
            histogram.Percentile(1),
            cpu.TotalMicroseconds / count);
    }
}
