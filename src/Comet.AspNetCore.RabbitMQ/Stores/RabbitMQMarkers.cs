namespace Comet.AspNetCore.RabbitMQ.Stores;

/// <summary>
/// Asks a stream where it ends, by markers. All who want to know share the next one. Anybody can make up ids that are nowhere, so the more
/// markers have found nothing, the longer the next one is waited for.
/// </summary>
/// <param name="send">Sends a marker; completes with its place when it was read back.</param>
/// <param name="time">Measures the pauses.</param>
internal sealed class RabbitMQMarkers(Func<Task<FeedPosition>> send, TimeProvider time)
{
    internal static readonly TimeSpan MinDelay = TimeSpan.FromMilliseconds(100);
    internal static readonly TimeSpan MaxDelay = MinDelay * 64;

    private readonly Lock _lock = new();
    private TimeSpan _delay = MinDelay;
    private Task<FeedPosition>? _next;

    /// <summary>The place of the next marker: what is stored by now lies before it.</summary>
    internal Task<FeedPosition> NextAsync()
    {
        lock (_lock)
        {
            return _next ??= SendAsync();
        }
    }

    /// <summary>A marker has shown somebody what he waited for.</summary>
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
            _next = null; // it was not sent yet, so it serves all who have come until now
            _delay = _delay < MaxDelay ? _delay * 2 : MaxDelay;
        }
        return await send();
    }
}
