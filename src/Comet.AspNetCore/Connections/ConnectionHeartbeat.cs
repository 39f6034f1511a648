using System.Collections.Concurrent;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// Calls its handlers when something of theirs is due, at one of four beats a second, so that streams need no timers of their own. A beat
/// touches nothing of a handler that has time: thousands of quiet streams are out of the processor's caches.
/// </summary>
internal sealed class ConnectionHeartbeat : IDisposable
{
    // An expired cookie ends its stream within a second.
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly MonotonicClock _clock;
    private readonly ConcurrentDictionary<IHeartbeatHandler, long> _handlers = new(); // with the time at which each is called
    private readonly Lock _beating = new();
    private readonly ITimer _timer;

    public ConnectionHeartbeat(MonotonicClock clock)
    {
        _clock = clock;
        _timer = clock.Time.CreateTimer(static state => ((ConnectionHeartbeat)state!).Beat(), this, Period, Period);
    }

    /// <summary>All that are called, in no order. Enumerating holds up nobody.</summary>
    internal IEnumerable<IHeartbeatHandler> Handlers => _handlers.Select(static handler => handler.Key);

    /// <summary>Calls a handler from the next beat on.</summary>
    internal void Add(IHeartbeatHandler handler) => _handlers.TryAdd(handler, 0);

    internal void Remove(IHeartbeatHandler handler) => _handlers.TryRemove(handler, out _);

    /// <summary>Calls all handlers at once, as something has changed that brings their deadlines forward.</summary>
    internal void BeatForAll()
    {
        lock (_beating) // what a beat that is under way has heard from a handler may be of before the change
        {
            CallThoseOf(long.MaxValue);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Beat()
    {
        if (!_beating.TryEnter())
        {
            return; // the beat before takes long
        }
        try
        {
            CallThoseOf(_clock.Now);
        }
        finally
        {
            _beating.Exit();
        }
    }

    private void CallThoseOf(long now)
    {
        foreach (var (handler, due) in _handlers)
        {
            if (now >= due)
            {
                _handlers.TryUpdate(handler, handler.OnHeartbeat(), due); // unless it was removed meanwhile
            }
        }
    }
}
