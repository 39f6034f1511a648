using System.Collections.Concurrent;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Streams;

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
    StreamLifetime lifetime,
    CometMetrics metrics,
    Action release, // called for every subscriber that has ended
    TimeProvider load) // real time, also where a test stops the app's
    : IThreadPoolWorkItem, ITicked, IDisposable
{
    private const long MaxPause = 5; // milliseconds
    private const int MaxOwnRuns = 8; // more formats than these are rendered again for each connection

    private readonly ConcurrentQueue<(Subscriber Subscriber, Change Change)> _changes = new();
    private readonly Dictionary<WireFormat, Rendition> _renditions = [];
    private readonly List<Subscriber> _subscribers = [];
    private readonly Run _shared = new();
    private readonly long _writeTimeout = (long)writeTimeout.TotalMilliseconds;
    private readonly Block _control = new();
    private readonly Lock _membership = new();
    private TailCursor _mostAre;
    private long _nextLookAt = long.MaxValue;
    private int _wakes;
    private int _count; // including those about to join
    private bool _look;
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

    public void Tick()
    {
        if (lifetime.IsStopping || lifetime.Clock.Now >= Volatile.Read(ref _nextLookAt))
        {
            Volatile.Write(ref _look, true);
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

    /// <inheritdoc cref="StreamLifetime.CompleteAsync"/>
    internal ValueTask<EndReason> EndResponseAsync(Subscriber subscriber) => lifetime.CompleteAsync(subscriber);

    /// <summary>A subscriber has ended, for the reason that it says.</summary>
    internal void Released(Subscriber subscriber)
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
        var look = Volatile.Read(ref _look) || now >= _nextLookAt;
        if (look)
        {
            Volatile.Write(ref _look, false);
            _nextLookAt = long.MaxValue;
        }
        var state = tail.State;
        for (var i = _subscribers.Count - 1; i >= 0; i--)
        {
            var subscriber = _subscribers[i];
            if (!subscriber.IsBusy && subscriber.Cursor != state.End)
            {
                Advance(subscriber, state, now);
            }
            if ((look || subscriber.IsFull) && subscriber.Slot >= 0)
            {
                LookAfter(subscriber, now);
            }
        }
        _mostAre = state.End;
        _shared.Expire();
        foreach (var rendition in _renditions.Values)
        {
            rendition.Own?.Expire();
            rendition.Report(metrics, feed);
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
                    Remove(subscriber, subscriber.Ending == EndReason.None ? EndReason.ClientGone : subscriber.Ending);
                    break;
                case Change.Leave when subscriber.IsBusy: // its connection is gone, or was cut by us, so the write under way completes soon
                    subscriber.Ending = subscriber.Ending == EndReason.None ? EndReason.ClientGone : subscriber.Ending;
                    break;
                case Change.Leave:
                    Remove(subscriber, EndReason.ClientGone);
                    break;
            }
        }
    }

    private void Add(Subscriber subscriber)
    {
        if (!_renditions.TryGetValue(subscriber.Format, out var rendition))
        {
            _renditions.Add(subscriber.Format, rendition = new Rendition(subscriber.Format, _renditions.Count < MaxOwnRuns ? new Run() : null));
        }
        rendition.Users++;
        subscriber.Share(rendition);
        subscriber.Slot = _subscribers.Count;
        _subscribers.Add(subscriber);
        Volatile.Write(ref _nextLookAt, Math.Min(_nextLookAt, subscriber.NextLookAt));
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
        if (--subscriber.Rendition!.Users == 0)
        {
            _renditions.Remove(subscriber.Format);
            subscriber.Rendition.Report(metrics, feed);
            subscriber.Rendition.Dispose();
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
            var rendition = subscriber.Rendition!;
            var run = subscriber.Cursor == _mostAre && rendition.Own is { } own ? own : _shared;
            run.Fill(tail, rendition, subscriber.Cursor);
            if (run.To == subscriber.Cursor.Index)
            {
                _isSomebodyBehind = true; // the tail was trimmed or reset meanwhile
                return;
            }
            rendition.Count(run.To - subscriber.Cursor.Index, run.Block.Length, keepsUp ? run.Stamp : 0);
            subscriber.Cursor = subscriber.Cursor with { Index = run.To };
            Write(subscriber, run.Block, now);
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

    private void LookAfter(Subscriber subscriber, long now)
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
        var next = subscriber.IsBusy ? Math.Min(subscriber.NextLookAt, subscriber.BusySince + _writeTimeout) : subscriber.NextLookAt;
        _nextLookAt = Math.Min(_nextLookAt, next);
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
        subscriber.Rendition!.Count(messages: 0, _control.Length, stamp: 0);
        Write(subscriber, _control, now);
    }

    private void Write(Subscriber subscriber, Block block, long now)
    {
        ValueTask<bool> write;
        try
        {
            write = subscriber.WriteAsync(block, now);
            if (write.IsCompletedSuccessfully)
            {
                if (!write.Result)
                {
                    Remove(subscriber, EndReason.ClientGone);
                }
                return;
            }
        }
        catch (Exception exception)
        {
            subscriber.Lose(exception);
            Remove(subscriber, EndReason.ClientGone);
            return;
        }
        subscriber.BusySince = now;
        Volatile.Write(ref _nextLookAt, Math.Min(_nextLookAt, now + _writeTimeout));
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
            subscriber.Lose(exception);
        }
        Enqueue(subscriber, change);
    }
}
