namespace Comet.AspNetCore.RabbitMQ;

/// <summary>
/// Asks a stream where it ends, by markers. All who want to know share the next one. Anybody can make up ids that are nowhere, so the more
/// markers have found nothing, the longer the next one is waited for.
/// </summary>
/// <param name="send">Sends a marker; completes with its place when it was read back.</param>
/// <param name="time">Measures the pauses.</param>
internal sealed class SharedMarkers(Func<Task<FeedPosition>> send, TimeProvider time)
{
    internal static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(100);
    internal static readonly TimeSpan LongestPause = ShortestPause * 64;

    private readonly Lock _gate = new();
    private TimeSpan _pause = ShortestPause;
    private Task<FeedPosition>? _next;

    /// <summary>The place of the next marker: what is stored by now lies before it.</summary>
    internal Task<FeedPosition> NextAsync()
    {
        lock (_gate)
        {
            return _next ??= SendAsync();
        }
    }

    /// <summary>A marker has shown somebody what he waited for.</summary>
    internal void HaveHelped()
    {
        lock (_gate)
        {
            _pause = ShortestPause;
        }
    }

    private async Task<FeedPosition> SendAsync()
    {
        await Task.Delay(_pause, time);
        lock (_gate)
        {
            _next = null; // it was not sent yet, so it serves all who have come until now
            _pause = _pause < LongestPause ? _pause * 2 : LongestPause;
        }
        return await send();
    }
}
