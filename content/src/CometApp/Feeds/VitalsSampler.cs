using System.Diagnostics;
using System.Runtime.CompilerServices;
using Comet.AspNetCore;
using CometApp.Models;

namespace CometApp.Feeds;

/// <summary>Publishes the process's vitals, four times a second.</summary>
public sealed class VitalsSampler(Feed<Vitals> feed, OpenStreams streams, TimeProvider time) : BackgroundService
{
    /// <summary>A minute of samples, which the chart shows.</summary>
    public const int Kept = 240;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        feed.PublishAllAsync(SampleAsync(stoppingToken), stoppingToken);

    private async IAsyncEnumerable<Vitals> SampleAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using var process = Process.GetCurrentProcess();
        using var timer = new PeriodicTimer(Period, time);
        var (cpu, at) = (process.TotalProcessorTime, time.GetTimestamp());
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            process.Refresh();
            var elapsed = time.GetElapsedTime(at);
            var busy = 100 * (process.TotalProcessorTime - cpu) / elapsed;
            (cpu, at) = (process.TotalProcessorTime, time.GetTimestamp());
            var heap = GC.GetTotalMemory(forceFullCollection: false);
            yield return new Vitals(time.GetLocalNow(), Math.Round(busy, 1), process.WorkingSet64, heap, streams.Count);
        }
    }
}
