namespace Comet.AspNetCore.Feeds;

/// <summary>The lanes that have connections of a feed, which are woken when it changes. Safe for concurrent use.</summary>
internal sealed class FeedSubscriptions(FeedTail tail)
{
    private readonly Lock _lock = new();
    private volatile LaneFeed[] _lanes = [];

    /// <summary>What slow connections are being sent.</summary>
    internal SharedFrames<TailCursor, (TailCursor To, long AppendedAt)> Frames { get; } = new();

    /// <summary>What several groups of connections are sent.</summary>
    internal SharedPieces Pieces { get; } = new();

    /// <summary>Whether there are several groups, which may be sent the same.</summary>
    internal bool AreSeveral => _lanes is { Length: > 1 } or [{ Groups.Count: > 1 }];

    /// <summary>From now on the lane is told of every change; it turns to the feed after this, to miss nothing.</summary>
    internal void Add(LaneFeed lane)
    {
        lock (_lock)
        {
            _lanes = [.. _lanes, lane];
            tail.Changed = OnChanged;
        }
    }

    internal void Remove(LaneFeed lane)
    {
        lock (_lock)
        {
            _lanes = [.. _lanes.Where(other => other != lane)];
            Pieces.Clear();
            if (_lanes.Length == 0)
            {
                tail.Changed = FeedTail.NobodyListens;
            }
        }
    }

    private void OnChanged()
    {
        foreach (var lane in _lanes)
        {
            lane.OnChanged();
        }
    }
}
