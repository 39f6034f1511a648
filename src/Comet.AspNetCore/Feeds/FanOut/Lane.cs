using System.Collections.Concurrent;
using Comet.AspNetCore.Connections;

namespace Comet.AspNetCore.Feeds;

/// <summary>
/// Writes to connections, whichever feeds they read: what lies between a connection's place and the end of its feeds leaves in one write.
/// Its thread makes a pass while there is something to do, never two at a time, so connections need no locks.
/// </summary>
internal sealed class Lane : IHeartbeatHandler
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(30); // two heartbeats by default

    private readonly ConnectionServices _services;
    private readonly LaneThread _thread;
    private readonly ConcurrentQueue<(Subscriber Subscriber, LaneChange Change)> _changes = new();
    private readonly ConcurrentQueue<LaneFeed> _changedFeeds = new();
    private readonly ConcurrentQueue<TaskCompletionSource<LaneReport>> _reports = new();
    private readonly EncodedBatch _batch = new();
    private readonly LaneGroups _groups;
    private readonly LaneWriter _writer;
    private readonly GroupWriter _keepingUp;
    private readonly BehindWriter _behind;
    private readonly LaneDeadlines _deadlines;
    private readonly Lock _membership = new();
    private int _count; // including those about to join
    private volatile bool _isCheckDue;

    internal Lane(ConnectionServices services)
        : this(services, TimeProvider.System, Thread.Sleep)
    {
    }

    /// <param name="services">What every stream uses.</param>
    /// <param name="realTime">Measures passes, also where the app's time is a test's.</param>
    /// <param name="sleep">Pauses between passes.</param>
    internal Lane(ConnectionServices services, TimeProvider realTime, Action<TimeSpan> sleep)
    {
        _services = services;
        _thread = new LaneThread(Pass, realTime, sleep, Linger);
        var metrics = new LaneMetrics(services);
        _groups = new LaneGroups(this, metrics);
        _writer = new LaneWriter(this, _groups, services);
        _behind = new BehindWriter(_writer, _batch, metrics, services.Shutdown);
        _keepingUp = new GroupWriter(_writer, _batch, _behind, metrics);
        _deadlines = new LaneDeadlines(_groups, _writer, metrics, services);
    }

    /// <summary>How many connections it has.</summary>
    internal int Count => Volatile.Read(ref _count);

    internal void Join(Subscriber subscriber)
    {
        lock (_membership)
        {
            if (++_count == 1)
            {
                _services.Heartbeat.Add(this);
            }
        }
        Enqueue(subscriber, LaneChange.Join);
    }

    internal void Leave(Subscriber subscriber) => Enqueue(subscriber, LaneChange.Leave);

    /// <summary>Asks for a report, which the end of the next pass gives.</summary>
    internal Task<LaneReport> ReportAsync()
    {
        var report = new TaskCompletionSource<LaneReport>(TaskCreationOptions.RunContinuationsAsynchronously);
        _reports.Enqueue(report);
        _thread.Wake();
        return report.Task;
    }

    /// <summary>A feed that it reads has changed.</summary>
    internal void Enqueue(LaneFeed feed)
    {
        _changedFeeds.Enqueue(feed);
        _thread.Wake();
    }

    /// <summary>Something has happened to a connection.</summary>
    internal void Enqueue(Subscriber subscriber, LaneChange change)
    {
        _changes.Enqueue((subscriber, change));
        _thread.Wake();
    }

    /// <summary>Gives a connection up, to which nothing more is written.</summary>
    internal void Remove(Subscriber subscriber, EndReason reason)
    {
        if (!subscriber.IsListed)
        {
            return;
        }
        _groups.Remove(subscriber);
        lock (_membership)
        {
            if (--_count == 0)
            {
                _services.Heartbeat.Remove(this);
            }
        }
        subscriber.Complete(reason);
    }

    public long OnHeartbeat()
    {
        if (_services.Shutdown.IsStopping || _services.Clock.Now >= _groups.NextDeadline)
        {
            _isCheckDue = true;
            _thread.Wake();
        }
        return IHeartbeatHandler.NextBeat;
    }

    private void Pass()
    {
        ApplyChanges();
        var isCheckDue = _isCheckDue; // taken before the time is read: a heartbeat that comes in between asks for the next pass
        if (isCheckDue)
        {
            _isCheckDue = false;
        }
        var now = _services.Clock.Now; // after a join has set its deadline, so that this pass or a heartbeat sees that it is due
        TakeChangedFeeds(); // after the time, so that a pass which ends streams has what was published before the host stopped
        foreach (var group in _groups.Changed)
        {
            _keepingUp.Advance(group, now);
        }
        var isAnyBehind = _behind.Advance(now);
        if (isCheckDue || now >= _groups.NextDeadline)
        {
            _deadlines.Check(now);
        }
        _batch.Expire();
        _groups.PassEnded();
        while (_reports.TryDequeue(out var report))
        {
            report.SetResult(LaneReport.Of(_groups.All, now));
        }
        if (isAnyBehind)
        {
            _thread.Wake(); // the rest leaves in another pass, after those that keep up
        }
    }

    private void ApplyChanges()
    {
        while (_changes.TryDequeue(out var next))
        {
            var subscriber = next.Subscriber;
            switch (next.Change)
            {
                case LaneChange.Join:
                    Add(subscriber);
                    break;
                case LaneChange.Resume:
                    Resume(subscriber);
                    break;
                case LaneChange.Fail:
                    subscriber.WriteEnded();
                    Remove(subscriber, subscriber.EndReason ?? EndReason.ClientDisconnected);
                    break;
                case LaneChange.Leave when subscriber.IsBusy: // its connection is closed, so the write under way completes soon
                    subscriber.EndReason ??= EndReason.ClientDisconnected;
                    break;
                case LaneChange.Leave:
                    Remove(subscriber, EndReason.ClientDisconnected);
                    break;
            }
        }
    }

    private void Add(Subscriber subscriber)
    {
        _groups.Add(subscriber);
        _behind.Add(subscriber);
        _groups.CheckAt(subscriber.Group!, subscriber.IsFull ? _services.Clock.Now : subscriber.NextDeadline);
    }

    private void Resume(Subscriber subscriber)
    {
        subscriber.WriteEnded();
        _groups.CheckAt(subscriber.Group!, subscriber.IsFull ? _services.Clock.Now : subscriber.NextDeadline);
        if (subscriber.EndReason is { } reason)
        {
            Remove(subscriber, reason);
        }
        else if (subscriber.IsPoll || subscriber is { Place: null, Group.IsCompleted: true })
        {
            _writer.EndIfServed(subscriber, _services.Clock.Now);
        }
        else if (subscriber.Place is not null)
        {
            subscriber.HasResumed = true;
            _behind.Add(subscriber);
        }
    }

    // As many as there are now: one that changes all the time would hold the pass for ever.
    private void TakeChangedFeeds()
    {
        for (var left = _changedFeeds.Count; left > 0 && _changedFeeds.TryDequeue(out var feed); left--)
        {
            feed.Dequeued();
            _groups.Take(feed);
        }
    }
}
