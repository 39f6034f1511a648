using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Writes to connections, whichever feeds they read: what lies between a connection's place and the end of its feeds leaves in one write.
/// A pass runs on the thread pool while there is something to do, never two at a time, so connections need no locks.
/// </summary>
internal sealed class Lane(
    ConnectionServices services,
    TimeProvider realTime) // also where the app's time is a test's
    : IThreadPoolWorkItem, IHeartbeatHandler, IDisposable
{
    private const long MaxPause = 5; // milliseconds
    private const long TellPeriod = 15_000; // milliseconds, as heartbeats by default

    private readonly ConcurrentQueue<(Subscriber Subscriber, Change Change)> _changes = new();
    private readonly ConcurrentQueue<LaneFeed> _changedFeeds = new();
    private readonly Dictionary<(FeedSet, WireFormat), ConnectionGroup> _groups = [];
    private readonly Dictionary<FeedCore, LaneFeed> _feeds = [];
    private readonly List<LaneFeed> _taken = [];
    private readonly List<ConnectionGroup> _changedGroups = [];
    private readonly List<Subscriber> _behind = []; // not busy, and not where those are that keep up
    private readonly List<int> _feedIndexes = [];
    private readonly List<TailCursor> _place = [];
    private readonly List<StreamPosition.Place> _places = [];
    private readonly EncodedBatch _batch = new();
    private readonly FrameBuffer _control = new();
    private readonly CometMetrics _metrics = services.Metrics;
    private readonly MonotonicClock _clock = services.Clock;
    private readonly Lock _membership = new();
    private long _nextDeadline = long.MaxValue; // written by passes, read by heartbeats
    private uint _passes;
    private int _wakes;
    private int _count; // including those about to join
    private volatile bool _isCheckDue;
    private bool _hasListenerFailed;
    private ITimer? _pause;

    private enum Change
    {
        Join,
        Leave,
        Resume,
        Fail,
    }

    /// <summary>How many connections it has.</summary>
    internal int Count => Volatile.Read(ref _count);

    internal void Join(Subscriber subscriber)
    {
        lock (_membership)
        {
            if (++_count == 1)
            {
                services.Heartbeat.Add(this);
            }
        }
        Enqueue(subscriber, Change.Join);
    }

    internal void Leave(Subscriber subscriber) => Enqueue(subscriber, Change.Leave);

    /// <summary>A feed that it reads has changed.</summary>
    internal void Enqueue(LaneFeed feed)
    {
        _changedFeeds.Enqueue(feed);
        Wake();
    }

    public void OnHeartbeat()
    {
        if (services.Shutdown.IsStopping || _clock.Now >= NextDeadline)
        {
            _isCheckDue = true;
            Wake();
        }
    }

    public void Execute()
    {
        var seen = Volatile.Read(ref _wakes);
        var began = realTime.GetTimestamp();
        Pass();
        if (Interlocked.Add(ref _wakes, -seen) == 0)
        {
            return;
        }
        // More has come during the pass. Under such load, messages gather in a pause as long as the pass, and leave in one write; a single
        // message never waits. Another work item makes the next pass, so that the lanes share the thread pool fairly with everything else.
        var pause = Math.Min((long)realTime.GetElapsedTime(began).TotalMilliseconds, MaxPause);
        if (pause == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }
        _pause ??= realTime.CreateTimer(
            static state => ((Lane)state!).Execute(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _pause.Change(TimeSpan.FromMilliseconds(pause), Timeout.InfiniteTimeSpan);
    }

    // Not the buffers: where a host is disposed before its streams have ended, a pass may still write from them.
    public void Dispose() => _pause?.Dispose();

    private long NextDeadline
    {
        get => Volatile.Read(ref _nextDeadline);
        set => Volatile.Write(ref _nextDeadline, value);
    }

    private void Enqueue(Subscriber subscriber, Change change)
    {
        _changes.Enqueue((subscriber, change));
        Wake();
    }

    private void Wake()
    {
        if (Interlocked.Increment(ref _wakes) == 1)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void Pass()
    {
        _passes++;
        ApplyChanges();
        TakeChangedFeeds();
        var now = _clock.Now; // read after a join has set its deadline, so that either this pass or a heartbeat sees that it is due
        foreach (var group in _changedGroups)
        {
            Advance(group, now);
        }
        _changedGroups.Clear();
        var isAnyBehind = AdvanceBehind(now);
        if (_isCheckDue || now >= NextDeadline)
        {
            _isCheckDue = false;
            CheckDeadlines(now);
        }
        _batch.Expire();
        _taken.ForEach(static feed => feed.PassEnded());
        _taken.Clear();
        if (isAnyBehind)
        {
            Wake(); // the rest leaves in another pass, after those that keep up
        }
    }

    private void ApplyChanges()
    {
        while (_changes.TryDequeue(out var next))
        {
            var subscriber = next.Subscriber;
            switch (next.Change)
            {
                case Change.Join:
                    Add(subscriber);
                    break;
                case Change.Resume:
                    Resume(subscriber);
                    break;
                case Change.Fail:
                    subscriber.WriteEnded();
                    Remove(subscriber, subscriber.EndReason ?? EndReason.ClientDisconnected);
                    break;
                case Change.Leave when subscriber.IsBusy: // its connection is closed or was aborted, so the write under way completes soon
                    subscriber.EndReason ??= EndReason.ClientDisconnected;
                    break;
                case Change.Leave:
                    Remove(subscriber, EndReason.ClientDisconnected);
                    break;
            }
        }
    }

    private void Add(Subscriber subscriber)
    {
        var key = (subscriber.Feeds, subscriber.Format);
        if (!_groups.TryGetValue(key, out var group))
        {
            group = CreateGroup(subscriber.Feeds, subscriber.Format);
            _groups.Add(key, group);
        }
        foreach (var feed in group.Feeds)
        {
            Take(feed); // so that those who keep up are nowhere before the place of this one
        }
        group.Add(subscriber);
        AddBehind(subscriber);
        CheckAt(group, subscriber.IsFull ? _clock.Now : subscriber.NextDeadline);
    }

    private ConnectionGroup CreateGroup(FeedSet set, WireFormat format)
    {
        var feeds = new LaneFeed[set.Feeds.Length];
        var group = new ConnectionGroup(set, format, feeds);
        for (var i = 0; i < feeds.Length; i++)
        {
            var core = set.Feeds[i];
            if (!_feeds.TryGetValue(core, out var feed))
            {
                feed = new LaneFeed(core, this);
                _feeds.Add(core, feed);
                core.Subscriptions.Add(feed);
            }
            feeds[i] = feed;
            feed.Groups.Add((group, i));
        }
        return group;
    }

    private void Resume(Subscriber subscriber)
    {
        subscriber.WriteEnded();
        CheckAt(subscriber.Group!, subscriber.IsFull ? _clock.Now : subscriber.NextDeadline);
        if (subscriber.EndReason is { } reason)
        {
            Remove(subscriber, reason);
        }
        else if (subscriber.IsPoll || subscriber is { Place: null, Group.IsCompleted: true })
        {
            EndIfServed(subscriber, _clock.Now);
        }
        else if (subscriber.Place is not null)
        {
            subscriber.HasResumed = true;
            AddBehind(subscriber);
        }
    }

    private void Remove(Subscriber subscriber, EndReason reason)
    {
        if (!subscriber.IsListed)
        {
            return;
        }
        var group = subscriber.Group!;
        group.Remove(subscriber);
        if (group.Connections.Length == 0)
        {
            RemoveGroup(group);
        }
        lock (_membership)
        {
            if (--_count == 0)
            {
                services.Heartbeat.Remove(this);
            }
        }
        subscriber.Complete(reason);
    }

    private void RemoveGroup(ConnectionGroup group)
    {
        Report(group);
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

    // As many as there are now: one that changes all the time would hold the pass for ever.
    private void TakeChangedFeeds()
    {
        for (var left = _changedFeeds.Count; left > 0 && _changedFeeds.TryDequeue(out var feed); left--)
        {
            feed.Dequeued();
            Take(feed);
        }
    }

    private void Take(LaneFeed feed)
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
                _changedGroups.Add(group);
            }
            group.Changed.Add(index);
        }
    }

    // Writes what has come to all connections that keep up. Those that are busy are left where they are.
    private void Advance(ConnectionGroup group, long now)
    {
        var changed = CollectionsMarshal.AsSpan(group.Changed);
        _place.Clear();
        foreach (var index in changed)
        {
            _place.Add(group.Feeds[index].Before);
        }
        var place = CollectionsMarshal.AsSpan(_place);
        while (!IsAtEnd(group, changed, place))
        {
            if (HasLost(group, changed, place) || !group.HasReady || !Fill(group, changed, place))
            {
                LeaveBehind(group, changed, place);
                break;
            }
            Write(group, changed, place, now);
            _batch.To.CopyTo(place);
        }
        group.Changed.Clear();
        if (group.IsCompleted)
        {
            for (var i = group.Connections.Length - 1; i >= 0; i--)
            {
                EndIfServed(group.Connections[i], now);
            }
        }
    }

    // Ends a stream that has all it will ever get, or all that it asked for.
    private void EndIfServed(Subscriber subscriber, long now)
    {
        if (subscriber.IsBusy || !subscriber.IsListed)
        {
            return;
        }
        if (subscriber is { Place: null, Group.IsCompleted: true })
        {
            if (subscriber.Group.Set.AreNamed)
            {
                End(subscriber, EndReason.Completed, now);
            }
            else
            {
                Remove(subscriber, EndReason.Completed); // its last message was the end
            }
        }
        else if (subscriber.IsPoll)
        {
            End(subscriber, EndReason.Polled, now);
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
                subscriber.Place = PlaceOf(group, changed, place);
                continue;
            }
            written++;
            Write(subscriber, _batch.Buffer, now);
            EndIfServed(subscriber, now);
        }
        if (written > 0)
        {
            CountDelivered(group, written, keepUp: true);
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
                subscriber.Place = PlaceOf(group, changed, place);
                if (!subscriber.IsBusy)
                {
                    AddBehind(subscriber);
                }
            }
        }
    }

    private bool Fill(ConnectionGroup group, ReadOnlySpan<int> feeds, ReadOnlySpan<TailCursor> place)
    {
        _batch.Fill(group, feeds, place);
        return !_batch.Parts.IsEmpty;
    }

    private static bool IsAtEnd(ConnectionGroup group, ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place)
    {
        for (var i = 0; i < changed.Length; i++)
        {
            if (place[i] != group.Feeds[changed[i]].State.End)
            {
                return false;
            }
        }
        return true;
    }

    private static bool HasLost(ConnectionGroup group, ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place)
    {
        for (var i = 0; i < changed.Length; i++)
        {
            if (group.Feeds[changed[i]].State.HasLost(place[i]))
            {
                return true;
            }
        }
        return false;
    }

    private static TailCursor[] PlaceOf(ConnectionGroup group, ReadOnlySpan<int> changed, ReadOnlySpan<TailCursor> place)
    {
        var all = new TailCursor[group.Feeds.Length];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = group.Feeds[i].State.End;
        }
        for (var i = 0; i < changed.Length; i++)
        {
            all[changed[i]] = place[i];
        }
        return all;
    }

    // Returns whether there is more to write to one of them.
    private bool AdvanceBehind(long now)
    {
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

    private void AddBehind(Subscriber subscriber)
    {
        if (!subscriber.IsBehind)
        {
            subscriber.IsBehind = true;
            _behind.Add(subscriber);
        }
    }

    // Writes one batch to a connection that has a place of its own.
    private void Advance(Subscriber subscriber, long now)
    {
        var group = subscriber.Group!;
        if (group.IsInStep(subscriber.Place))
        {
            subscriber.Place = null;
            return;
        }
        // One that lags could go on for ever, so it gets no more once it is due to end. Who polls gets what there is.
        if (subscriber.DueEnd(now, services.Shutdown) is { } due && due != EndReason.Polled)
        {
            End(subscriber, due, now);
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
            if (!Fill(group, CollectionsMarshal.AsSpan(_feedIndexes), CollectionsMarshal.AsSpan(_place)))
            {
                return; // the tail was trimmed or reset meanwhile
            }
            for (var i = 0; i < _feedIndexes.Count; i++)
            {
                place[_feedIndexes[i]] = _batch.To[i];
            }
            CountDelivered(group, connections: 1, keepUp: false);
            Write(subscriber, _batch.Buffer, now);
        }
        if (group.IsInStep(place))
        {
            subscriber.Place = null;
        }
        EndIfServed(subscriber, now);
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
                place[i] = state.End;
                hasReopened = true;
                group.Format.WriteControl(_control, ControlMessage.Reopen(state.Head.ToString()) with
                {
                    Name = group.NameOf(group.Feeds[i]),
                    EventId = group.HasStreamPositions ? "" : null,
                });
                continue;
            }
            if (hasResumed)
            {
                CountLag(core, state.Next - place[i].Index);
            }
            if (place[i].Index < state.First && core.Options.WhenSlow == SlowClientPolicy.End)
            {
                End(subscriber, EndReason.TooSlow, now);
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
            Write(subscriber, _control, now);
        }
        return subscriber is { IsBusy: false, IsListed: true };
    }

    private void CheckDeadlines(long now)
    {
        var next = long.MaxValue;
        foreach (var group in _groups.Values)
        {
            if (services.Shutdown.IsStopping || now >= group.NextDeadline)
            {
                CheckDeadlines(group, now);
            }
            Report(group);
            next = Math.Min(next, group.NextDeadline);
        }
        NextDeadline = next;
    }

    private void CheckDeadlines(ConnectionGroup group, long now)
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
                End(subscriber, due, now);
            }
            else if (subscriber.IsHeartbeatDue(now) || (isTelling && subscriber.Place is null))
            {
                heartbeat ??= HeartbeatOf(group);
                Write(subscriber, subscriber.Place is null ? heartbeat.Value : ControlMessage.Heartbeat, now);
            }
            group.CheckAt(subscriber.IsBusy ? Math.Min(services.WriteDeadline.Of(subscriber), subscriber.OverdueAt) : subscriber.NextDeadline);
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

    private string? PositionOf(ConnectionGroup group, ReadOnlySpan<TailCursor> place)
    {
        _feedIndexes.Clear();
        _feedIndexes.AddRange(Enumerable.Range(0, place.Length));
        return group.TryFind(_places, CollectionsMarshal.AsSpan(_feedIndexes), place) ? StreamPosition.Format(_places) : null;
    }

    private void End(Subscriber subscriber, EndReason reason, long now)
    {
        subscriber.EndReason = reason;
        Write(subscriber, services.EndMessage(reason), now);
        if (!subscriber.IsBusy)
        {
            Remove(subscriber, reason);
        }
    }

    private void Write(Subscriber subscriber, in ControlMessage message, long now)
    {
        _control.Clear();
        subscriber.Format.WriteControl(_control, message);
        subscriber.Group!.CountControl(_control.Length);
        Write(subscriber, _control, now);
    }

    private void Write(Subscriber subscriber, FrameBuffer buffer, long now)
    {
        ValueTask<bool> write;
        try
        {
            write = subscriber.WriteAsync(buffer, now);
            // Asked of the connection, which has asked the write: it may have completed since, and then still ends the wait.
            if (!subscriber.IsBusy)
            {
                if (!write.Result)
                {
                    Remove(subscriber, EndReason.ClientDisconnected);
                }
                else if (subscriber.IsFull)
                {
                    CheckAt(subscriber.Group!, now);
                }
                return;
            }
        }
        catch (Exception exception)
        {
            subscriber.RecordFailure(exception);
            Remove(subscriber, EndReason.ClientDisconnected);
            return;
        }
        CheckAt(subscriber.Group!, services.WriteDeadline.Of(subscriber));
        _ = AwaitAsync(subscriber, write);
    }

    private async Task AwaitAsync(Subscriber subscriber, ValueTask<bool> write)
    {
        var change = Change.Fail;
        try
        {
            change = await write ? Change.Resume : Change.Fail;
        }
        catch (Exception exception)
        {
            subscriber.RecordFailure(exception);
        }
        Enqueue(subscriber, change);
    }

    private void CheckAt(ConnectionGroup group, long deadline)
    {
        group.CheckAt(deadline);
        NextDeadline = Math.Min(NextDeadline, deadline);
    }

    private void CountDelivered(ConnectionGroup group, int connections, bool keepUp)
    {
        try
        {
            foreach (var part in _batch.Parts)
            {
                _metrics.Delivered(group.Format.Name, part.Feed.Family, part.Messages * connections, (long)part.Bytes * connections);
                if (keepUp)
                {
                    _metrics.DeliveryTook(part.Feed.Family, part.AppendedAt);
                }
            }
        }
        catch (Exception exception)
        {
            OnListenerFailed(exception);
        }
    }

    private void CountLag(FeedCore feed, long messages)
    {
        try
        {
            _metrics.Lagged(feed.Family, messages);
        }
        catch (Exception exception)
        {
            OnListenerFailed(exception);
        }
    }

    private void Report(ConnectionGroup group)
    {
        try
        {
            group.Report(_metrics);
        }
        catch (Exception exception)
        {
            OnListenerFailed(exception);
        }
    }

    // Listeners of meters are the app's. One that throws is told of once, and ends no pass, which others need.
    private void OnListenerFailed(Exception exception)
    {
        if (!_hasListenerFailed)
        {
            _hasListenerFailed = true;
            CometLog.ListenerFailed(services.Logger, exception);
        }
    }
}
