using System.Collections.Concurrent;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Diagnostics;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Writes to all connections of a feed: what lies between a connection's cursor and the head leaves in one write. A pass over the
/// connections runs on the thread pool while there is something to do, never two at a time, so connections need no locks.
/// </summary>
internal sealed class FanOut(
    string feed,
    FeedTail tail,
    SlowClientPolicy whenSlow,
    ConnectionServices services,
    Action release, // called for every subscriber that has ended
    TimeProvider realTime) // also where the app's time is a test's
    : IThreadPoolWorkItem, IHeartbeatHandler, IDisposable
{
    private const long MaxPause = 5; // milliseconds
    private const int MaxBatches = 8; // messages in more formats than these are encoded again for each connection

    private readonly ConcurrentQueue<(Subscriber Subscriber, Change Change)> _changes = new();
    private readonly Dictionary<WireFormat, FormatGroup> _formats = [];
    private readonly List<Subscriber> _subscribers = [];
    private readonly EncodedBatch _spareBatch = new(); // for connections at another cursor, and formats without a batch
    private readonly FrameBuffer _control = new();
    private readonly CometMetrics _metrics = services.Metrics;
    private readonly MonotonicClock _clock = services.Clock;
    private readonly Lock _membership = new();
    private (FeedPosition Head, string Id) _position; // the last that heartbeats have told
    private TailCursor _commonCursor; // of the connections that keep up, so of most
    private long _nextDeadline = long.MaxValue; // written by passes, read by heartbeats
    private int _wakes;
    private int _count; // including those about to join
    private volatile bool _isCheckDue;
    private bool _isAnyBehind;
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
                services.Heartbeat.Add(this);
            }
        }
        Enqueue(subscriber, Change.Join);
    }

    internal void Leave(Subscriber subscriber) => Enqueue(subscriber, Change.Leave);

    public void OnHeartbeat()
    {
        if (services.Shutdown.IsStopping || _clock.Now >= NextDeadline)
        {
            _isCheckDue = true;
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
        var began = realTime.GetTimestamp();
        Pass();
        if (Interlocked.Add(ref _wakes, -seen) == 0)
        {
            return;
        }
        // More has come during the pass. Under such load, messages gather in a pause as long as the pass, and leave in one write; a single
        // message never waits. Another work item makes the next pass, so that many feeds share the thread pool fairly.
        var pause = Math.Min((long)realTime.GetElapsedTime(began).TotalMilliseconds, MaxPause);
        if (pause == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            return;
        }
        _pause ??= realTime.CreateTimer(
            static state => ((FanOut)state!).Execute(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _pause.Change(TimeSpan.FromMilliseconds(pause), Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc cref="WriteDeadline.CompleteAsync"/>
    internal ValueTask<EndReason?> EndResponseAsync(Subscriber subscriber) => services.WriteDeadline.CompleteAsync(subscriber);

    /// <summary>A subscriber has ended, for the reason that it says.</summary>
    internal void OnSubscriberEnded(Subscriber subscriber)
    {
        try
        {
            services.CountEnded(subscriber, feed, subscriber.EndReason!);
        }
        finally
        {
            release();
        }
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

    private void Pass()
    {
        ApplyChanges();
        var now = _clock.Now; // read after a join has set its deadline, so that either this pass or a heartbeat sees that it is due
        var isCheckDue = _isCheckDue || now >= NextDeadline;
        if (isCheckDue)
        {
            _isCheckDue = false;
            NextDeadline = long.MaxValue;
        }
        var state = tail.State;
        for (var i = _subscribers.Count - 1; i >= 0; i--)
        {
            var subscriber = _subscribers[i];
            // One that lags could go on for ever, so it gets no more once it is due to end; others get what they do not have yet.
            var isDue = isCheckDue && subscriber.Cursor != _commonCursor && subscriber.DueEnd(now, services.Shutdown) is not null;
            if (!subscriber.IsBusy && subscriber.Cursor != state.End && !isDue)
            {
                Advance(subscriber, state, now);
            }
            if ((isCheckDue || subscriber.IsFull) && subscriber.IsListed)
            {
                CheckDeadlines(subscriber, state, now);
            }
        }
        _commonCursor = state.End;
        _spareBatch.Expire();
        foreach (var group in _formats.Values)
        {
            group.Batch?.Expire();
            group.Report(_metrics, feed);
        }
        if (_isAnyBehind)
        {
            _isAnyBehind = false;
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
                    subscriber.WriteEnded();
                    NextDeadline = Math.Min(NextDeadline, subscriber.NextDeadline);
                    var state = tail.State;
                    _metrics.Lagged(feed, state.Next - subscriber.Cursor.Index);
                    if (subscriber.EndReason is { } reason)
                    {
                        Remove(subscriber, reason);
                    }
                    else if (whenSlow == SlowClientPolicy.Latest)
                    {
                        SkipTo(subscriber, state with { First = state.Next - 1 }, _clock.Now);
                    }
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
        if (!_formats.TryGetValue(subscriber.Format, out var group))
        {
            group = new FormatGroup(subscriber.Format, _formats.Count < MaxBatches ? new EncodedBatch() : null);
            _formats.Add(subscriber.Format, group);
        }
        group.Connections++;
        subscriber.JoinGroup(group);
        subscriber.Index = _subscribers.Count;
        _subscribers.Add(subscriber);
        NextDeadline = Math.Min(NextDeadline, subscriber.NextDeadline);
    }

    private void Remove(Subscriber subscriber, EndReason reason)
    {
        if (!subscriber.IsListed)
        {
            return;
        }
        var last = _subscribers[^1];
        _subscribers[subscriber.Index] = last;
        last.Index = subscriber.Index;
        _subscribers.RemoveAt(_subscribers.Count - 1);
        subscriber.RemovedFromList();
        if (--subscriber.FormatGroup!.Connections == 0)
        {
            _formats.Remove(subscriber.Format);
            subscriber.FormatGroup.Report(_metrics, feed);
            subscriber.FormatGroup.Dispose();
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

    // Writes what lies between the cursor and the head, as far as the connection takes it.
    private void Advance(Subscriber subscriber, in TailState state, long now)
    {
        if (subscriber.Cursor.Generation != state.Generation)
        {
            subscriber.Cursor = state.End;
            Write(subscriber, ControlMessage.Reopen(state.Head.ToString()), now);
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
        var keepsUp = subscriber.Cursor == _commonCursor;
        while (CanTake(subscriber) && subscriber.Cursor.Index < state.Next)
        {
            var group = subscriber.FormatGroup!;
            var batch = subscriber.Cursor == _commonCursor && group.Batch is { } common ? common : _spareBatch;
            batch.Fill(tail, group, subscriber.Cursor);
            if (batch.To == subscriber.Cursor.Index)
            {
                _isAnyBehind = true; // the tail was trimmed or reset meanwhile
                return;
            }
            group.Count(batch.To - subscriber.Cursor.Index, batch.Buffer.Length, keepsUp ? batch.AppendedAt : null);
            subscriber.Cursor = subscriber.Cursor with { Index = batch.To };
            Write(subscriber, batch.Buffer, now);
            if (!keepsUp && CanTake(subscriber))
            {
                _isAnyBehind |= subscriber.Cursor.Index < state.Next; // the rest leaves in another pass, after those that keep up
                return;
            }
        }
    }

    private static bool CanTake(Subscriber subscriber) => !subscriber.IsBusy && !subscriber.IsFull && subscriber.IsListed;

    private void SkipTo(Subscriber subscriber, in TailState state, long now)
    {
        var skipped = state.First - subscriber.Cursor.Index;
        if (skipped > 0 && subscriber.Cursor.Generation == state.Generation)
        {
            subscriber.Cursor = state.Start;
            Write(subscriber, ControlMessage.Skipped(skipped), now);
        }
    }

    private void CheckDeadlines(Subscriber subscriber, in TailState state, long now)
    {
        if (subscriber.IsBusy)
        {
            subscriber.EndReason = services.WriteDeadline.Check(subscriber, now) ?? subscriber.EndReason;
        }
        else if (subscriber.DueEnd(now, services.Shutdown) is { } due)
        {
            End(subscriber, due, now);
        }
        else if (subscriber.IsHeartbeatDue(now))
        {
            Write(subscriber, HeartbeatOf(subscriber, state), now);
        }
        NextDeadline = Math.Min(
            NextDeadline,
            subscriber.IsBusy ? Math.Min(services.WriteDeadline.Of(subscriber), subscriber.OverdueAt) : subscriber.NextDeadline);
    }

    // Says the position when it has moved without a message, so that the reader of a quiet feed does not fall behind the log.
    private ControlMessage HeartbeatOf(Subscriber subscriber, in TailState state)
    {
        if (!state.IsHeadUntold || subscriber.Cursor != state.End)
        {
            return ControlMessage.Heartbeat;
        }
        if (_position.Head != state.Head)
        {
            _position = (state.Head, state.Head.ToString());
        }
        return ControlMessage.HeartbeatAt(_position.Id);
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
        subscriber.FormatGroup!.Count(messages: 0, _control.Length, appendedAt: null);
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
                return;
            }
        }
        catch (Exception exception)
        {
            subscriber.RecordFailure(exception);
            Remove(subscriber, EndReason.ClientDisconnected);
            return;
        }
        NextDeadline = Math.Min(NextDeadline, services.WriteDeadline.Of(subscriber));
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
