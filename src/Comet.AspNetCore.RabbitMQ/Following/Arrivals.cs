namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// How far this server had read a RabbitMQ stream at which time, on the monotonic clock. A message's age counts from its arrival here, as
/// in a feed's tail: other servers have other clocks, and any of them may be set. What was there before counts from when reading began;
/// the broker removes that by a clock of its own.
/// </summary>
/// <param name="keptFor">How long messages are kept.</param>
/// <param name="time">Measures it.</param>
internal sealed class Arrivals(TimeSpan keptFor, TimeProvider time)
{
    // A message may stay for longer by one of so many parts of the time.
    private const int Precision = 64;

    private readonly List<(long Offset, long At)> _recorded = []; // rising, and the last is the newest

    /// <summary>What is at or below this offset has been here for longer than messages are kept.</summary>
    internal long OutdatedThrough => _recorded.FindLast(recorded => IsOlder(recorded, keptFor)).Offset;

    /// <summary>Begins anew: what is at or below an offset has arrived now.</summary>
    internal void Begin(long offset)
    {
        _recorded.Clear();
        Record(offset);
    }

    /// <summary>Records that what is at or below an offset has arrived.</summary>
    internal void Record(long offset)
    {
        if (_recorded.Count > 1 && !IsOlder(_recorded[^2], keptFor / Precision))
        {
            _recorded.RemoveAt(_recorded.Count - 1);
        }
        _recorded.Add((offset, time.GetTimestamp()));
        while (_recorded.Count > 1 && IsOlder(_recorded[1], keptFor))
        {
            _recorded.RemoveAt(0);
        }
    }

    private bool IsOlder((long Offset, long At) recorded, TimeSpan age) => time.GetElapsedTime(recorded.At) > age;
}
