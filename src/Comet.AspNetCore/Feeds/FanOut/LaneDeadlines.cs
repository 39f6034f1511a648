using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>Ends connections of a lane that are due to end, and sends heartbeats to those that got nothing for a while.</summary>
internal sealed class LaneDeadlines(LaneGroups groups, LaneWriter writer, LaneMetrics metrics, ConnectionServices services)
{
    private const long TellPeriod = 15_000; // milliseconds, as heartbeats by default

    private readonly List<StreamPosition.Place> _places = [];

    internal void Check(long now)
    {
        var next = long.MaxValue;
        foreach (var group in groups.All)
        {
            if (services.Shutdown.IsStopping || now >= group.NextDeadline)
            {
                Check(group, now);
            }
            metrics.Report(group);
            next = Math.Min(next, group.NextDeadline);
        }
        groups.NextDeadline = next;
    }

    private void Check(ConnectionGroup group, long now)
    {
        group.NothingToCheck();
        var isTelling = IsTelling(group, now);
        ControlMessage? heartbeat = null;
        for (var i = group.Connections.Length - 1; i >= 0; i--)
        {
            var subscriber = group.Connections[i];
            if (subscriber.IsBusy)
            {
                subscriber.EndReason = services.WriteDeadline.Check(subscriber, now) ?? subscriber.EndReason;
            }
            else if (subscriber.DueEnd(now, services.Shutdown) is { } due)
            {
                writer.End(subscriber, due, now);
            }
            else if (subscriber.IsHeartbeatDue(now) || (isTelling && subscriber.Place is null))
            {
                heartbeat ??= HeartbeatOf(group);
                writer.Write(subscriber, subscriber.Place is null ? heartbeat.Value : ControlMessage.Heartbeat, now);
            }
            group.CheckAt(subscriber.IsBusy
                ? Math.Min(services.WriteDeadline.Of(subscriber), subscriber.OverdueAt)
                : subscriber.NextDeadline);
        }
    }

    // A stream of which one feed is busy sends no heartbeats by itself.
    private bool IsTelling(ConnectionGroup group, long now)
    {
        if (group.Feeds.Length == 1 || group.HasStreamPositions)
        {
            return false;
        }
        var isDue = now >= group.TellAt;
        if (isDue)
        {
            group.TellAt = now + TellPeriod;
        }
        group.CheckAt(group.TellAt);
        return isDue && !HeartbeatOf(group).Equals(ControlMessage.Heartbeat);
    }

    // A position that has moved without a message is told, so that the readers of a quiet feed do not fall behind the log.
    private ControlMessage HeartbeatOf(ConnectionGroup group)
    {
        var isAnyUntold = false;
        _places.Clear();
        foreach (var feed in group.Feeds)
        {
            var head = feed.Head;
            isAnyUntold |= head != feed.State.Head || feed.State.IsHeadUntold;
            _places.Add(new StreamPosition.Place(head, group.Set.AreNamed ? feed.Feed.EncodedName.Tag : ""));
        }
        return !isAnyUntold ? ControlMessage.Heartbeat
            : ControlMessage.HeartbeatAt(group.HasStreamPositions ? StreamPosition.Format(_places) : StreamPosition.FormatLeast(_places));
    }
}
