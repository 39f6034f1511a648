using System.Runtime.CompilerServices;
using Comet.AspNetCore;
using CometApp.Models;

namespace CometApp.Feeds;

/// <summary>Publishes a random walk, twice a second. Replace it by what your app knows.</summary>
public sealed class SamplesSource(Feed<SamplesMessage> feed, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        feed.PublishAllAsync(WalkAsync(stoppingToken), stoppingToken);

    private async IAsyncEnumerable<SamplesMessage> WalkAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Period, time);
        var value = 100.0;
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            value += Random.Shared.NextDouble() - 0.5;
            yield return new SamplesMessage(Math.Round(value, 2), time.GetUtcNow());
        }
    }
}
