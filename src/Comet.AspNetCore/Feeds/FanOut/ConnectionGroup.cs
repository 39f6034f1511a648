using System.Runtime.InteropServices;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// The connections of a lane that read the same feeds in the same format. Those that keep up are all at the same place, the end of each
/// feed as the lane knows it, so what follows is encoded once for all of them.
/// </summary>
internal sealed class ConnectionGroup(FeedSet set, WireFormat format, LaneFeed[] feeds)
{
    private readonly List<Subscriber> _connections = [];
    private long _controlBytes;

    internal FeedSet Set => set;

    /// <summary>Whether ids are the positions in all of the feeds.</summary>
    internal bool HasStreamPositions => set.AreNamed && format.HasStreamPositions;

    internal WireFormat Format => format;

    internal ReadOnlySpan<LaneFeed> Feeds => feeds;

    /// <summary>The feed's name where messages of this group have it.</summary>
    internal EncodedFeedName? NameOf(LaneFeed feed) => set.AreNamed ? feed.Feed.EncodedName : null;

    /// <summary>Whether all of its feeds are, so that those who keep up get nothing more.</summary>
    internal bool IsCompleted => Array.TrueForAll(feeds, static feed => feed.State.IsCompleted);

    /// <summary>In no order.</summary>
    internal ReadOnlySpan<Subscriber> Connections => CollectionsMarshal.AsSpan(_connections);

    /// <summary>Whether one that keeps up can take more.</summary>
    internal bool HasReady => _connections.Exists(static connection => connection is { Place: null, IsBusy: false, IsFull: false });

    /// <summary>The feeds, by their index, that have changed in this pass.</summary>
    internal List<int> Changed { get; } = [];

    /// <summary>When a connection must be checked, in milliseconds of the clock.</summary>
    internal long NextDeadline { get; private set; } = long.MaxValue;

    internal void Add(Subscriber connection)
    {
        connection.Join(this, _connections.Count);
        _connections.Add(connection);
    }

    internal void Remove(Subscriber connection)
    {
        var last = _connections[^1];
        _connections[connection.Index] = last;
        last.Index = connection.Index;
        _connections.RemoveAt(_connections.Count - 1);
        connection.Leave();
    }

    /// <summary>When positions that have moved without a message are told next, in milliseconds of the clock.</summary>
    internal long TellAt { get; set; }

    internal void CheckAt(long deadline) => NextDeadline = Math.Min(NextDeadline, deadline);

    internal void NothingToCheck() => NextDeadline = long.MaxValue;

    /// <summary>Whether a place is where the connections are that keep up.</summary>
    internal bool IsInStep(ReadOnlySpan<TailCursor> place)
    {
        for (var i = 0; i < feeds.Length; i++)
        {
            if (place[i] != feeds[i].State.End)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Whether a place in those feeds that have changed is where the connections are that keep up.</summary>
    internal bool IsAtEnd(ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place)
    {
        for (var i = 0; i < changed.Length; i++)
        {
            if (place[i] != feeds[changed[i]].State.End)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Whether a tail no longer has what follows a place in those feeds that have changed.</summary>
    internal bool HasLost(ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place)
    {
        for (var i = 0; i < changed.Length; i++)
        {
            if (feeds[changed[i]].State.HasLost(place[i]))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The place in all of the feeds of who keeps up in those that have not changed.</summary>
    internal TailCursor[] PlaceOf(ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place)
    {
        var all = new TailCursor[feeds.Length];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = feeds[i].State.End;
        }
        for (var i = 0; i < changed.Length; i++)
        {
            all[changed[i]] = place[i];
        }
        return all;
    }

    /// <summary>Finds what a stream of the group has of each feed.</summary>
    /// <param name="places">Gets them.</param>
    /// <param name="behind">The feeds, by their index, in which it is not where those are that keep up.</param>
    /// <param name="cursors">Where it is in these.</param>
    /// <param name="except">The index of a feed to leave out, or a negative number.</param>
    /// <returns>False: a tail has lost a cursor.</returns>
    internal bool TryFind(
        List<StreamPosition.Place> places, ReadOnlySpan<int> behind, ReadOnlySpan<TailCursor> cursors, int except = -1)
    {
        places.Clear();
        for (var i = 0; i < feeds.Length; i++)
        {
            var (feed, at) = (feeds[i], behind.IndexOf(i));
            var position = feed.Head;
            if (at >= 0 && cursors[at] != feed.State.End)
            {
                if (feed.Feed.Tail.OffsetBefore(cursors[at]) is not { } offset)
                {
                    return false;
                }
                position = position with { Offset = offset };
            }
            if (i != except)
            {
                places.Add(new StreamPosition.Place(position, feed.Feed.EncodedName.Tag));
            }
        }
        return true;
    }

    /// <summary>Counts the bytes of a control message.</summary>
    internal void CountControl(int bytes) => _controlBytes += bytes;

    /// <summary>Adds to the metrics what was counted since the last report.</summary>
    internal void Report(CometMetrics metrics)
    {
        if (_controlBytes > 0)
        {
            metrics.Delivered(format.Name, set.Label, 0, _controlBytes);
            _controlBytes = 0;
        }
    }
}
