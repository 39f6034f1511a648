namespace CometBench.Load.Client;

/// <summary>What all connections received in one stage. Guarded by a lock on itself.</summary>
internal sealed class Tally
{
    private readonly SemaphoreSlim? _window;
    private readonly int _audience;
    private long _complete;

    /// <param name="audience">Connected streams.</param>
    /// <param name="window">Released once for every message that all of them have received; null: nobody waits.</param>
    internal Tally(int audience, SemaphoreSlim? window)
    {
        (_audience, _window) = (audience, window);
    }

    internal LatencyHistogram Latency { get; } = new();

    internal long Deliveries { get; private set; }

    internal long Malformed { get; private set; }

    /// <summary>Received again, or after a later one of the same publisher.</summary>
    internal long Reordered { get; private set; }

    /// <summary>Streams that the server closed.</summary>
    internal long Closed { get; set; }

    internal long LastDeliveryAt { get; private set; }

    internal void AddMalformed() => Malformed++;

    internal void AddDelivery(in Marker marker, bool inOrder, long now)
    {
        Deliveries++;
        LastDeliveryAt = now;
        Latency.Add(now - marker.SentAt);
        if (!inOrder)
        {
            Reordered++;
        }
    }

    internal void EndRead()
    {
        var complete = Deliveries / Math.Max(1, _audience);
        if (_window is not null && complete > _complete)
        {
            _window.Release((int)(complete - _complete));
        }
        _complete = complete;
    }
}
