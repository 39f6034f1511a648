using System.Collections.Concurrent;

namespace Comet.AspNetCore.Connections;

/// <summary>Calls its handlers four times a second, so that streams need no timers of their own.</summary>
internal sealed class ConnectionHeartbeat : IDisposable
{
    // An expired cookie ends its stream within a second.
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<IHeartbeatHandler, byte> _handlers = new();
    private readonly ITimer _timer;

    public ConnectionHeartbeat(TimeProvider time) =>
        _timer = time.CreateTimer(static state => ((ConnectionHeartbeat)state!).Beat(), this, Period, Period);

    /// <summary>All that are called, in no order. Enumerating holds up nobody.</summary>
    internal IEnumerable<IHeartbeatHandler> Handlers => _handlers.Select(static handler => handler.Key);

    internal void Add(IHeartbeatHandler handler) => _handlers.TryAdd(handler, 0);

    internal void Remove(IHeartbeatHandler handler) => _handlers.TryRemove(handler, out _);

    /// <summary>Calls all handlers, also before their time when something has changed that cannot wait.</summary>
    internal void Beat()
    {
        foreach (var (handler, _) in _handlers)
        {
            handler.OnHeartbeat();
        }
    }

    public void Dispose() => _timer.Dispose();
}
