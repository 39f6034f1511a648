using Comet.AspNetCore.Connections;

namespace Comet.AspNetCore.Feeds;

/// <summary>What a lane has at one moment. The lane makes it, at the end of a pass, so nothing of it changes meanwhile.</summary>
internal sealed class LaneReport
{
    // So that a report holds up a lane no longer than a write to so many connections, however many it has.
    private const int MaxPlaces = 2000;

    /// <summary>All groups: what they read, and how many connections.</summary>
    internal List<(FeedSet Feeds, int Connections)> Groups { get; } = [];

    /// <summary>The connections, or as many of each group as fit a report.</summary>
    internal List<Reader> Readers { get; } = [];

    /// <summary>One connection.</summary>
    /// <param name="Connection">What there is to tell of it.</param>
    /// <param name="Feeds">What it reads.</param>
    /// <param name="Holder">For whom it is counted.</param>
    /// <param name="Place">Its indexes in the tails of its feeds, added up: they grow by the messages that it gets.</param>
    /// <param name="Lag">How many messages it is behind.</param>
    internal readonly record struct Reader(ConnectionReport Connection, FeedSet Feeds, object? Holder, long Place, long Lag);

    internal static LaneReport Of(IReadOnlyCollection<ConnectionGroup> groups, long now)
    {
        var report = new LaneReport();
        var left = MaxPlaces;
        var share = MaxPlaces / Math.Max(1, groups.Count); // a large group leaves some to the others
        foreach (var group in groups)
        {
            report.Groups.Add((group.Set, group.Connections.Length));
            if (left > 0)
            {
                left -= report.Add(group, Math.Max(1, share), now);
            }
        }
        return report;
    }

    // Returns how many places were read.
    private int Add(ConnectionGroup group, int share, long now)
    {
        var end = 0L;
        foreach (var feed in group.Feeds)
        {
            end += feed.State.Next;
        }
        var read = 0;
        foreach (var subscriber in group.Connections)
        {
            var place = subscriber.Place?.Sum(static cursor => cursor.Index) ?? end;
            Readers.Add(new(subscriber.ReportAt(now), group.Set, subscriber.Holder, place, Math.Max(0, end - place)));
            read += subscriber.Place?.Length ?? 1;
            if (read >= share)
            {
                break;
            }
        }
        return read + group.Feeds.Length;
    }
}
