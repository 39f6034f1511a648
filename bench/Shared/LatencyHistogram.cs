using System.Diagnostics;
using System.Numerics;

namespace CometBench;

/// <summary>Counts of latencies in buckets at most 1.6 % wide, from a microsecond to days.</summary>
internal sealed class LatencyHistogram
{
    private const int Bits = 6;

    private readonly long[] _counts = new long[(64 - Bits) << Bits];

    internal void Add(long ticks)
    {
        var microseconds = (ulong)Math.Max(0, (long)(ticks * (1e6 / Stopwatch.Frequency)));
        _counts[Index(microseconds)]++;
    }

    /// <summary>In milliseconds; 0 when nothing was counted.</summary>
    internal double Percentile(double fraction)
    {
        var total = _counts.Sum();
        var wanted = (long)Math.Ceiling(fraction * total);
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= wanted && seen > 0)
            {
                return Value(i) / 1000.0;
            }
        }
        return 0;
    }

    // Values below 2^(Bits+1) have a bucket each; above, 2^Bits buckets for each power of two.
    private static int Index(ulong value)
    {
        var shift = Math.Max(0, BitOperations.Log2(value | 1) - Bits);
        return (shift << Bits) + (int)(value >> shift);
    }

    private static double Value(int index)
    {
        var shift = Math.Max(0, (index >> Bits) - 1);
        return Math.ScaleB(index - (shift << Bits), shift);
    }
}
