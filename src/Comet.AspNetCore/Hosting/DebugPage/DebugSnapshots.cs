using System.Runtime.CompilerServices;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Feeds;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Hosting;

/// <summary>
/// What the debug page shows, read from what is there in any case. Each reader keeps the snapshot before, so that differences give rates;
/// the app keeps nothing.
/// </summary>
internal sealed class DebugSnapshots(
    IOptions<CometOptions> options,
    Lanes lanes,
    FeedRegistry registry,
    ConnectionHeartbeat heartbeat,
    OpenStreams open,
    MonotonicClock clock,
    StreamOutcomes outcomes,
    IEnumerable<FeedRegistration> registrations)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>
    /// One snapshot now, and then one each second; for a poll, which gets one alone, the second, as the first has no rates.
    /// </summary>
    /// <param name="feed">The feed whose newest messages are in it; null: none are.</param>
    /// <param name="filter">What the names of the feeds and streams in it contain; null or empty: there are all.</param>
    /// <param name="isPoll">Whether it is for a poll.</param>
    /// <param name="cancellationToken">Ends it.</param>
    internal async IAsyncEnumerable<DebugSnapshot> ReadAsync(
        string? feed, string? filter, bool isPoll, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var listening = outcomes.Listen();
        var streamTable = new StreamTable(options.Value, heartbeat, open, filter ?? "");
        var feedTable = new FeedTable(registry, registrations, filter ?? "");
        var messages = feed is null ? null : new NewestMessages(registry, feed);
        using var timer = new PeriodicTimer(Period, clock.Time);
        var hasRates = !isPoll;
        do
        {
            var reports = await lanes.ReportAsync().WaitAsync(cancellationToken);
            var (streams, feeds) = (streamTable.Read(reports, clock.Now), feedTable.Read(reports, clock.Now));
            if (!hasRates)
            {
                hasRates = true;
                continue;
            }
            yield return new DebugSnapshot(
                clock.Time.GetUtcNow(),
                streams,
                feeds,
                messages is null ? null : await messages.ReadAsync(cancellationToken),
                outcomes.Read());
            if (isPoll)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken); // the poll ends with that one, however busy the machine is
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }
}
