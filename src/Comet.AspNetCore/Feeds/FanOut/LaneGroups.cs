using System.Runtime.InteropServices;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>The groups of a lane's connections, and the feeds that they read.</summary>
internal sealed class LaneGroups(Lane lane, LaneMetrics metrics)
{
    private readonly Dictionary<(FeedSet, WireFormat), ConnectionGroup> _groups = [];
    private readonly Dictionary<FeedCore, LaneFeed> _feeds = [];
    private readonly List<LaneFeed> _taken = [];
    private readonly List<ConnectionGroup> _changed = [];
    private long _nextDeadline = long.MaxValue; // written by passes, read by heartbeats

    internal IReadOnlyCollection<ConnectionGroup> All => _groups.Values;

    /// <summary>Those of which a feed has changed in this pass.</summary>
    internal ReadOnlySpan<ConnectionGroup> Changed => CollectionsMarshal.AsSpan(_changed);

    /// <summary>When a connection must be checked, in milliseconds of the clock. Safe for concurrent use.</summary>
    internal long NextDeadline
    {
        get => Volatile.Read(ref _nextDeadline);
        set => Volatile.Write(ref _nextDeadline, value);
    }

    internal void CheckAt(ConnectionGroup group, long deadline)
    {
        group.CheckAt(deadline);
        NextDeadline = Math.Min(NextDeadline, deadline);
    }

    internal void Add(Subscriber subscriber)
    {
        var key = (subscriber.Feeds, subscriber.Format);
        if (!_groups.TryGetValue(key, out var group))
        {
            group = Create(subscriber.Feeds, subscriber.Format);
            _groups.Add(key, group);
        }
        foreach (var feed in group.Feeds)
        {
            Take(feed); // so that those who keep up are nowhere before the place of this one
        }
        group.Add(subscriber);
    }

    internal void Remove(Subscriber subscriber)
    {
        var group = subscriber.Group!;
        group.Remove(subscriber);
        if (group.Connections.Length == 0)
        {
            Remove(group);
        }
    }

    /// <summary>Turns to what a feed holds now; its groups have changed.</summary>
    internal void Take(LaneFeed feed)
    {
        if (!feed.Take())
        {
            return;
        }
        _taken.Add(feed);
        foreach (var (group, index) in feed.Groups)
        {
            if (group.Changed.Count == 0)
            {
                _changed.Add(group);
            }
            group.Changed.Add(index);
        }
    }

    internal void PassEnded()
    {
        _changed.Clear();
        _taken.ForEach(static feed => feed.PassEnded());
        _taken.Clear();
    }

    private ConnectionGroup Create(FeedSet set, WireFormat format)
    {
        var feeds = new LaneFeed[set.Feeds.Length];
        var group = new ConnectionGroup(set, format, feeds);
        for (var i = 0; i < feeds.Length; i++)
        {
            var core = set.Feeds[i];
            if (!_feeds.TryGetValue(core, out var feed))
            {
                feed = new LaneFeed(core, lane);
                _feeds.Add(core, feed);
                core.Subscriptions.Add(feed);
            }
            feeds[i] = feed;
            feed.Groups.Add((group, i));
        }
        return group;
    }

    private void Remove(ConnectionGroup group)
    {
        metrics.Report(group);
        _groups.Remove((group.Set, group.Format));
        foreach (var feed in group.Feeds)
        {
            feed.Groups.RemoveAll(entry => entry.Group == group);
            if (feed.Groups.Count == 0)
            {
                _feeds.Remove(feed.Feed);
                feed.Feed.Subscriptions.Remove(feed);
            }
        }
    }
}
