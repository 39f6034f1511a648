namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// Finds the end of a RabbitMQ stream by publishing markers and reading them back. All callers who wait share the next marker. Anybody can
/// send made-up positions to a server, so the delay before each marker doubles, until one has been of use.
/// </summary>
/// <param name="send">Publishes a marker; completes with its position when it was read back.</param>
/// <param name="time">Measures the delays.</param>
internal sealed class RabbitMQMarkers(Func<Task<FeedPosition>> send, TimeProvider time)
{
    internal static readonly TimeSpan MinDelay = TimeSpan.FromMilliseconds(100);
    internal static readonly TimeSpan MaxDelay = MinDelay * 64;

    private readonly Lock _lock = new();
    private TimeSpan _delay = MinDelay;
    private Task<FeedPosition>? _next;

    /// <summary>The position of the next marker. Everything that is stored now lies before it.</summary>
    internal Task<FeedPosition> NextAsync()
    {
        lock (_lock)
        {
            return _next ??= SendAsync();
        }
    }

    /// <summary>Makes the next delay the shortest, as a marker has shown that a position exists.</summary>
    internal void ResetDelay()
    {
        lock (_lock)
        {
            _delay = MinDelay;
        }
    }

    private async Task<FeedPosition> SendAsync()
    {
        await Task.Delay(_delay, time);
        lock (_lock)
        {
            _next = null; // it is not sent yet, so it serves all callers until now
            _delay = _delay < MaxDelay ? _delay * 2 : MaxDelay;
        }
        return await send();
    }
}
