using System.Runtime.CompilerServices;

namespace CometBench.Load.Client;

/// <summary>
/// Reads the markers out of one stream and checks their order, each publisher's by itself: two that post at the same time may overtake
/// each other.
/// </summary>
internal sealed class MarkerScanner
{
    internal const int MaxPublishers = 16;

    private LastNumbers _last;
    private Tally? _tally;
    private bool _isClosed;

    internal long Received { get; private set; }

    /// <summary>Anything at all, a heartbeat too.</summary>
    internal bool HasHeard { get; private set; }

    /// <summary>From now on count into another tally. Publishers begin anew with number 1.</summary>
    internal void Restart(Tally tally)
    {
        lock (this)
        {
            _last = default;
            (Received, HasHeard) = (0, false);
            _tally = tally;
            if (_isClosed)
            {
                CountAsClosed(tally); // between the stages
            }
        }
    }

    internal void Close()
    {
        lock (this)
        {
            _isClosed = true;
            if (_tally is { } tally)
            {
                CountAsClosed(tally);
            }
        }
    }

    /// <returns>How many bytes at the end may be the start of a marker and must come again, before the next ones.</returns>
    internal int Scan(ReadOnlySpan<byte> bytes)
    {
        lock (this)
        {
            if (_tally is not { } tally)
            {
                return 0;
            }
            HasHeard = true;
            lock (tally)
            {
                var rest = Scan(bytes, tally);
                tally.EndRead();
                return rest;
            }
        }
    }

    private static void CountAsClosed(Tally tally)
    {
        lock (tally)
        {
            tally.Closed++;
        }
    }

    private int Scan(ReadOnlySpan<byte> bytes, Tally tally)
    {
        var now = Marker.Now;
        while (bytes.IndexOf((byte)'@') is >= 0 and var at)
        {
            bytes = bytes[at..];
            var parsed = Marker.TryParse(bytes, out var marker, out var length);
            switch (parsed)
            {
                case Parsed.Found:
                    ref var last = ref _last[marker.Publisher % MaxPublishers];
                    tally.AddDelivery(marker, marker.Number > last, now);
                    last = Math.Max(last, marker.Number);
                    Received++;
                    break;
                case Parsed.Malformed:
                    tally.AddMalformed();
                    break;
                case Parsed.Cut:
                    return bytes.Length;
            }
            bytes = bytes[length..];
        }
        return 0;
    }

    [InlineArray(MaxPublishers)]
    private struct LastNumbers
    {
        private long _first;
    }
}
