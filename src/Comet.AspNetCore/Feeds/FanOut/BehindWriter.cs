using System.Runtime.InteropServices;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>Writes to connections that have places of their own, until they are where those are that keep up.</summary>
internal sealed class BehindWriter(LaneWriter writer, EncodedBatch batch, LaneMetrics metrics, ConnectionShutdown shutdown)
{
    private readonly List<Subscriber> _behind = []; // none is busy
    private readonly List<int> _feedIndexes = [];
    private readonly List<TailCursor> _place = [];
    private readonly List<StreamPosition.Place> _places = [];
    private readonly FrameBuffer _control = new();
    private uint _passes;

    internal void Add(Subscriber subscriber)
    {
        if (!subscriber.IsBehind)
        {
            subscriber.IsBehind = true;
            _behind.Add(subscriber);
        }
    }

    /// <summary>Writes one batch to each that can take it.</summary>
    /// <returns>Whether there is more to write to one of them.</returns>
    internal bool Advance(long now)
    {
        _passes++;
        var stay = 0;
        for (var i = 0; i < _behind.Count; i++)
        {
            var subscriber = _behind[i];
            if (CanGoOn(subscriber))
            {
                Advance(subscriber, now);
            }
            subscriber.IsBehind = CanGoOn(subscriber);
            if (subscriber.IsBehind)
            {
                _behind[stay++] = subscriber;
            }
        }
        _behind.RemoveRange(stay, _behind.Count - stay);
        return stay > 0;
    }

    private static bool CanGoOn(Subscriber subscriber) => subscriber is { Place: not null, IsBusy: false, IsListed: true };

    // Writes one batch to a connection that has a place of its own.
    private void Advance(Subscriber subscriber, long now)
    {
        var group = subscriber.Group!;
        if (group.IsInStep(subscriber.Place))
        {
            subscriber.Place = null;
            return;
        }
        // One that lags could go on for ever, so it gets no more once it is due to end. Who polls gets what there is, and a host that
        // stops has one batch for those who have just come: what was published before the stop.
        var due = subscriber.DueEnd(now, shutdown);
        var isLast = due is not null && due == shutdown.Reason && !subscriber.HasResumed;
        if (due is not null && due != EndReason.Polled && !isLast)
        {
            writer.End(subscriber, due, now);
            return;
        }
        if (!FindPlace(subscriber, now))
        {
            return;
        }
        var place = subscriber.Place.AsSpan();
        _feedIndexes.Clear();
        _place.Clear();
        for (var i = 0; i < place.Length; i++)
        {
            var index = (int)(((uint)i + _passes) % (uint)place.Length); // one feed that always fills the batch holds up no other
            if (place[index] != group.Feeds[index].State.End)
            {
                _feedIndexes.Add(index);
                _place.Add(place[index]);
            }
        }
        if (_feedIndexes.Count > 0)
        {
            if (!batch.TryFill(group, CollectionsMarshal.AsSpan(_feedIndexes), CollectionsMarshal.AsSpan(_place)))
            {
                return; // the tail was trimmed or reset meanwhile
            }
            for (var i = 0; i < _feedIndexes.Count; i++)
            {
                place[_feedIndexes[i]] = batch.To[i];
            }
            metrics.CountDelivered(group, batch, connections: 1, keepUp: false);
            writer.Write(subscriber, batch.Buffer, now);
        }
        if (group.IsInStep(place))
        {
            subscriber.Place = null;
        }
        writer.EndIfServed(subscriber, now);
        if (isLast && subscriber is { IsBusy: false, IsListed: true })
        {
            writer.End(subscriber, due!, now);
        }
    }

    // Takes a connection to a place that the tails have, and tells it what it has missed. False: it can take no more now.
    private bool FindPlace(Subscriber subscriber, long now)
    {
        var hasResumed = subscriber.HasResumed;
        subscriber.HasResumed = false;
        var group = subscriber.Group!;
        var place = subscriber.Place.AsSpan();
        var hasReopened = false;
        _control.Clear();
        for (var i = 0; i < place.Length; i++)
        {
            var (core, state) = (group.Feeds[i].Feed, group.Feeds[i].State);
            if (place[i] == state.End)
            {
                continue;
            }
            if (place[i].Generation != state.Generation)
            {
                place[i] = state.Live;
                hasReopened = true;
                group.Format.WriteControl(_control, ControlMessage.Reopen(state.LiveHead.ToString()) with
                {
                    Name = group.NameOf(group.Feeds[i]),
                    EventId = group.HasStreamPositions ? "" : null,
                });
                continue;
            }
            if (hasResumed)
            {
                metrics.CountLag(core, state.Next - place[i].Index);
            }
            if (place[i].Index < state.First && core.Options.WhenSlow == SlowClientPolicy.End)
            {
                writer.End(subscriber, EndReason.TooSlow, now);
                return false;
            }
            var first = hasResumed && core.Options.WhenSlow == SlowClientPolicy.Latest ? state.Newest : state.First;
            if (first > place[i].Index)
            {
                group.Format.WriteControl(_control, ControlMessage.Skipped(first - place[i].Index) with
                {
                    Name = group.NameOf(group.Feeds[i]),
                });
                place[i] = place[i] with { Index = first };
            }
        }
        if (hasReopened && group.HasStreamPositions && PositionOf(group, place) is { } position)
        {
            group.Format.WriteControl(_control, ControlMessage.HeartbeatAt(position));
        }
        if (_control.Length > 0)
        {
            group.CountControl(_control.Length);
            writer.Write(subscriber, _control, now);
        }
        return subscriber is { IsBusy: false, IsListed: true };
    }

    private string? PositionOf(ConnectionGroup group, ReadOnlySpan<TailCursor> place)
    {
        _feedIndexes.Clear();
        _feedIndexes.AddRange(Enumerable.Range(0, place.Length));
        return group.TryFind(_places, CollectionsMarshal.AsSpan(_feedIndexes), place) ? StreamPosition.Format(_places) : null;
    }
}
