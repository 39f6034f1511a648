using System.Collections.Concurrent;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// The one loop that writes to all connections of a feed: what lies between a connection's cursor and the head leaves in one write.
/// It runs on the thread pool while there is something to do, never twice at a time, so connections need no locks.
/// </summary>
internal sealed class FanOut(
    string feed,
    FeedTail tail,
    SlowClientPolicy whenSlow,
    TimeSpan writeTimeout,
    ConnectionLifetime lifetime,
    CometMetrics metrics,
    Action release, // called for every subscriber that has ended
    TimeProvider load) // real time, also where a test stops the app's
    : IThreadPoolWorkItem, IHeartbeatHandler, IDisposable
{
    private const long MaxPause = 5; // milliseconds
    private const int MaxOwnBatches = 8; // more formats than these are rendered again for each connection

    private readonly ConcurrentQueue<(Subscriber Subscriber, Change Change)> _changes = new();
    private readonly Dictionary<WireFormat, FormatGroup> _formats = [];
    private readonly List<Subscriber> _subscribers = [];
    private readonly EncodedBatch _shared = new();
    private readonly long _writeTimeout = (long)writeTimeout.TotalMilliseconds;
    private readonly FrameBuffer _control = new();
    private readonly Lock _membership = new();
    private TailCursor _mostAre;
    private long _nextDeadline = long.MaxValue;
    private int _wakes;
    private int _count; // including those about to join
    private bool _isCheckDue;
    private bool _isSomebodyBehind;
    private ITimer? _pause;

    private enum Change
    {
        Join,
        Leave,
        Resume,
        Fail,
    }

    internal void Join(Subscriber subscriber)
    {
        lock (_membership)
        {
            if (++_count == 1)
            {
                lifetime.Add(this);
            }
        }
        Enqueue(subscriber, Change.Join);
    }

    internal void Leave(Subscriber subscriber) => Enqueue(subscriber, Change.Leave);

    public void OnHeartbeat()
    {
        if (lifetime.IsStopping || lifetime.Clock.Now >= Volatile.Read(ref _nextDeadline))
        {
            Volatile.Write(ref _isCheckDue, true);
            Wake();
        }
    }

    internal void Wake()
    {
        if (Interlocked.Increment(ref _wakes) == 1)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    public void Execute()
    {
        var seen = Volatile.Read(ref _wakes);
        var began = load.GetTimestamp();
        Pass();
        if (Interlocked.Add(ref _wakes, -seen) == 0)
        {
            return;
        }
        // More came meanwhile. Under such load a pause as long as the pass lets messages gather that then leave in one write; a message
        // that comes by itself never waits. Another work item serves them, so that many feeds share the pool fairly.
        var pause = Math.Min((long)load.GetElapsedTime(began).TotalMilliseconds, MaxPause);
        if (pause == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }
        _pause ??= load.CreateTimer(static state => ((FanOut)state!).Execute(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _pause.Change(TimeSpan.FromMilliseconds(pause), Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc cref="ConnectionLifetime.CompleteAsync"/>
    internal ValueTask<EndReason> EndResponseAsync(Subscriber subscriber) => lifetime.CompleteAsync(subscriber);

    /// <summary>A subscriber has ended, for the reason that it says.</summary>
    internal void OnSubscriberEnded(Subscriber subscriber)
    {
        metrics.StreamEnded(subscriber.Format, feed, subscriber.Ending, subscriber.AgeAt(lifetime.Clock.Now));
        release();
    }

    // Not the blocks: where a host is disposed before its streams have ended, a pass may still write from them.
    public void Dispose() => _pause?.Dispose();

    private void Enqueue(Subscriber subscriber, Change change)
    {
        _changes.Enqueue((subscriber, change));
        Wake();
    }

    private void Pass()
    {
        ApplyChanges();
        var now = lifetime.Clock.Now; // after a join has said when to look, so that either this or a tick does
        var isCheckDue = Volatile.Read(ref _isCheckDue) || now >= _nextDeadline;
        if (isCheckDue)
        {
            Volatile.Write(ref _isCheckDue, false);
            _nextDeadline = long.MaxValue;
        }
        var state = tail.State;
        for (var i = _subscribers.Count - 1; i >= 0; i--)
        {
            var subscriber = _subscribers[i];
            if (!subscriber.IsBusy && subscriber.Cursor != state.End)
            {
                Advance(subscriber, state, now);
            }
            if ((isCheckDue || subscriber.IsFull) && subscriber.Slot >= 0)
            {
                CheckDeadlines(subscriber, now);
            }
        }
        _mostAre = state.End;
        _shared.Expire();
        foreach (var group in _formats.Values)
        {
            group.Own?.Expire();
            group.Report(metrics, feed);
        }
        if (_isSomebodyBehind)
        {
            _isSomebodyBehind = false;
            Wake();
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
                    subscriber.BusySince = -1;
                    metrics.Lagged(feed, tail.State.Next - subscriber.Cursor.Index);
                    if (subscriber.Ending != EndReason.None)
                    {
                        Remove(subscriber, subscriber.Ending);
                    }
                    else if (whenSlow == SlowClientPolicy.Latest)
                    {
                        SkipTo(subscriber, tail.State with { First = tail.State.Next - 1 }, lifetime.Clock.Now);
                    }
                    break;
                case Change.Fail:
                    subscriber.BusySince = -1;
                    Remove(subscriber, subscriber.Ending == EndReason.None ? EndReason.ClientDisconnected : subscriber.Ending);
                    break;
                case Change.Leave when subscriber.IsBusy: // its connection is gone, or was cut by us, so the write under way completes soon
                    subscriber.Ending = subscriber.Ending == EndReason.None ? EndReason.ClientDisconnected : subscriber.Ending;
                    break;
                case Change.Leave:
                    Remove(subscriber, EndReason.ClientDisconnected);
                    break;
            }
        }
    }

    private void Add(Subscriber subscriber)
    {
        if (!_formats.TryGetValue(subscriber.Format, out var group))
        {
            _formats.Add(subscriber.Format, group = new FormatGroup(subscriber.Format, _formats.Count < MaxOwnBatches ? new EncodedBatch() : null));
        }
        group.Users++;
        subscriber.Share(group);
        subscriber.Slot = _subscribers.Count;
        _subscribers.Add(subscriber);
        Volatile.Write(ref _nextDeadline, Math.Min(_nextDeadline, subscriber.NextDeadline));
    }

    private void Remove(Subscriber subscriber, EndReason reason)
    {
        if (subscriber.Slot < 0)
        {
            return;
        }
        var last = _subscribers[^1];
        _subscribers[subscriber.Slot] = last;
        last.Slot = subscriber.Slot;
        _subscribers.RemoveAt(_subscribers.Count - 1);
        subscriber.Slot = -1;
        if (--subscriber.FormatGroup!.Users == 0)
        {
            _formats.Remove(subscriber.Format);
            subscriber.FormatGroup.Report(metrics, feed);
            subscriber.FormatGroup.Dispose();
        }
        lock (_membership)
        {
            if (--_count == 0)
            {
                lifetime.Remove(this);
            }
        }
        subscriber.Complete(reason);
    }

    // Writes what lies between the cursor and the head, as far as the connection takes it.
    private void Advance(Subscriber subscriber, in TailState state, long now)
    {
        if (subscriber.Cursor.Generation != state.Generation)
        {
            subscriber.Cursor = state.End;
            Write(subscriber, new ControlMessage("open") { Id = state.Head.ToString(), Recovered = false }, now);
            return;
        }
        if (subscriber.Cursor.Index < state.First)
        {
            if (whenSlow == SlowClientPolicy.End)
            {
                End(subscriber, EndReason.TooSlow, now);
                return;
            }
            SkipTo(subscriber, state, now);
        }
        var keepsUp = subscriber.Cursor == _mostAre;
        while (CanTake(subscriber) && subscriber.Cursor.Index < state.Next)
        {
            var group = subscriber.FormatGroup!;
            var batch = subscriber.Cursor == _mostAre && group.Own is { } own ? own : _shared;
            batch.Fill(tail, group, subscriber.Cursor);
            if (batch.To == subscriber.Cursor.Index)
            {
                _isSomebodyBehind = true; // the tail was trimmed or reset meanwhile
                return;
            }
            group.Count(batch.To - subscriber.Cursor.Index, batch.FrameBuffer.Length, keepsUp ? batch.AppendedAt : 0);
            subscriber.Cursor = subscriber.Cursor with { Index = batch.To };
            Write(subscriber, batch.FrameBuffer, now);
            if (!keepsUp && CanTake(subscriber))
            {
                _isSomebodyBehind |= subscriber.Cursor.Index < state.Next; // the rest in another pass, after those who keep up
                return;
            }
        }
    }

    private static bool CanTake(Subscriber subscriber) => !subscriber.IsBusy && !subscriber.IsFull && subscriber.Slot >= 0;

    private void SkipTo(Subscriber subscriber, in TailState state, long now)
    {
        var skipped = state.First - subscriber.Cursor.Index;
        if (skipped > 0 && subscriber.Cursor.Generation == state.Generation)
        {
            subscriber.Cursor = state.Start;
            Write(subscriber, ControlMessage.Skipped(skipped), now);
        }
    }

    private void CheckDeadlines(Subscriber subscriber, long now)
    {
        var due = lifetime.DueEnd(subscriber);
        if (subscriber.IsBusy)
        {
            if (subscriber.HasProgressed())
            {
                subscriber.BusySince = now;
            }
            if (now - subscriber.BusySince >= _writeTimeout || (due != EndReason.None && lifetime.IsStopping))
            {
                subscriber.Ending = due == EndReason.None ? EndReason.TooSlow : due;
                subscriber.Abort(); // it takes nothing, so it cannot be told
            }
        }
        else if (due != EndReason.None)
        {
            End(subscriber, due, now);
        }
        else if (subscriber.IsHeartbeatDue(now))
        {
            Write(subscriber, ControlMessage.Heartbeat, now);
        }
        var next = subscriber.IsBusy ? Math.Min(subscriber.NextDeadline, subscriber.BusySince + _writeTimeout) : subscriber.NextDeadline;
        _nextDeadline = Math.Min(_nextDeadline, next);
    }

    private void End(Subscriber subscriber, EndReason reason, long now)
    {
        subscriber.Ending = reason;
        Write(subscriber, ControlMessage.End(reason, lifetime.Retry()), now);
        if (!subscriber.IsBusy)
        {
            Remove(subscriber, reason);
        }
    }

    private void Write(Subscriber subscriber, in ControlMessage message, long now)
    {
        _control.Clear();
        subscriber.Format.WriteControl(_control, message);
        subscriber.FormatGroup!.Count(messages: 0, _control.Length, appendedAt: 0);
        Write(subscriber, _control, now);
    }

    private void Write(Subscriber subscriber, FrameBuffer block, long now)
    {
        ValueTask<bool> write;
        try
        {
            write = subscriber.WriteAsync(block, now);
            if (write.IsCompletedSuccessfully)
            {
                if (!write.Result)
                {
                    Remove(subscriber, EndReason.ClientDisconnected);
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
        subscriber.BusySince = now;
        Volatile.Write(ref _nextDeadline, Math.Min(_nextDeadline, now + _writeTimeout));
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
}
