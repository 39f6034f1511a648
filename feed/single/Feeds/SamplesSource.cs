using Comet.AspNetCore;
using CometApp.Models;

namespace CometApp.Feeds;

/// <summary>Publishes a random walk, twice a second. Replace it by what your app knows.</summary>
public sealed class SamplesSource(Feed<SamplesMessage> feed, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        var value = 100.0;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            value += Random.Shared.NextDouble() - 0.5;
            try
            {
                await feed.PublishAsync(new SamplesMessage(Math.Round(value, 2), time.GetUtcNow()), stoppingToken);
            }
            catch (FeedUnavailableException)
            {
                // The store is away, which readiness tells; the next value is as good as this one.
            }
        }
    }
}
