using System.Runtime.InteropServices;

namespace Comet.AspNetCore.Feeds;

/// <summary>Writes to those connections of a group that keep up, which all get the same.</summary>
internal sealed class GroupWriter(LaneWriter writer, EncodedBatch batch, BehindWriter behind, LaneMetrics metrics)
{
    private readonly List<TailCursor> _place = [];

    /// <summary>Writes to a group what has come. Connections that are busy are left where they are.</summary>
    internal void Advance(ConnectionGroup group, long now)
    {
        var changed = CollectionsMarshal.AsSpan(group.Changed);
        _place.Clear();
        foreach (var index in changed)
        {
            _place.Add(group.Feeds[index].Before);
        }
        var place = CollectionsMarshal.AsSpan(_place);
        while (!group.IsAtEnd(changed, place))
        {
            if (group.HasLost(changed, place) || !group.HasReady || !batch.TryFill(group, changed, place))
            {
                LeaveBehind(group, changed, place);
                break;
            }
            Write(group, changed, place, now);
            batch.To.CopyTo(place);
        }
        group.Changed.Clear();
        if (group.IsCompleted)
        {
            for (var i = group.Connections.Length - 1; i >= 0; i--)
            {
                writer.EndIfServed(group.Connections[i], now);
            }
        }
    }

    private void Write(ConnectionGroup group, ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place, long now)
    {
        var written = 0;
        for (var i = group.Connections.Length - 1; i >= 0; i--)
        {
            var subscriber = group.Connections[i];
            if (subscriber.Place is not null)
            {
                continue;
            }
            if (subscriber.IsBusy || subscriber.IsFull)
            {
                subscriber.Place = group.PlaceOf(changed, place);
                continue;
            }
            written++;
            writer.Write(subscriber, batch.Buffer, now);
            writer.EndIfServed(subscriber, now);
        }
        if (written > 0)
        {
            metrics.CountDelivered(group, batch, written, keepUp: true);
        }
    }

    // Nobody can take anything, or the tail has lost what follows, as it was reset, or trimmed faster than the lane came: each connection
    // goes on by itself.
    private void LeaveBehind(ConnectionGroup group, ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place)
    {
        foreach (var subscriber in group.Connections)
        {
            if (subscriber.Place is null)
            {
                subscriber.Place = group.PlaceOf(changed, place);
                if (!subscriber.IsBusy)
                {
                    behind.Add(subscriber);
                }
            }
        }
    }
}
