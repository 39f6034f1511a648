namespace Comet.AspNetCore.Feeds;

/// <summary>
/// A feed as one lane sees it: what it held when the lane last turned to it, which is where all connections of the lane are that keep up,
/// and the groups that read it. Only the lane touches it, except for <see cref="OnChanged"/>.
/// </summary>
internal sealed class LaneFeed(FeedCore feed, Lane lane)
{
    private bool _hasChanged;

    internal FeedCore Feed => feed;

    internal TailState State { get; private set; } = feed.Tail.State;

    /// <summary>
    /// The position of those that keep up: the head of the feed when the lane last turned to it, or a later one before which there is no
    /// other message, as the log may move without one.
    /// </summary>
    internal FeedPosition Head => feed.Tail.State is var now && now.End == State.End ? now.Head : State.Head;

    /// <summary>Where those that keep up were before the lane turned to the feed in this pass.</summary>
    internal TailCursor Before { get; private set; }

    /// <summary>Whether the lane has turned to the feed in this pass.</summary>
    internal bool IsTaken { get; private set; }

    /// <summary>The groups that read it, and its place in their sets.</summary>
    internal List<(ConnectionGroup Group, int Index)> Groups { get; } = [];

    /// <summary>The tail has changed. Called on the thread that changed it.</summary>
    internal void OnChanged()
    {
        if (!Interlocked.Exchange(ref _hasChanged, true))
        {
            lane.Enqueue(this);
        }
    }

    /// <summary>The lane has taken it from its queue, and looks at the tail after that: a change from now on is another.</summary>
    internal void Dequeued() => Interlocked.Exchange(ref _hasChanged, false);

    /// <summary>The lane turns to what the feed holds now, in this pass for the first time or again.</summary>
    /// <returns>Whether it is the first time.</returns>
    internal bool Take()
    {
        var isFirst = !IsTaken;
        if (isFirst)
        {
            (Before, IsTaken) = (State.End, true);
        }
        State = feed.Tail.State;
        return isFirst;
    }

    internal void PassEnded() => IsTaken = false;
}
