using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace CometBench;

/// <summary>
/// The start of every published body: <c>@T</c>, when it was sent, a colon, who sent it, a colon, its number, <c>@</c>. The client finds it
/// in a stream whatever surrounds it: script tags, events, chunks, JSON.
/// </summary>
internal readonly record struct Marker(long SentAt, int Publisher, long Number)
{
    /// <summary>Longer than any marker.</summary>
    internal const int MaxLength = 64;

    internal static byte[] Body(Marker marker, int size) => Encoding.ASCII.GetBytes(Text(marker, size));

    internal static string Text(Marker marker, int size) =>
        string.Create(CultureInfo.InvariantCulture, $"@T{marker.SentAt}:{marker.Publisher}:{marker.Number}@").PadRight(size, 'x');

    internal static long Now => Stopwatch.GetTimestamp();

    /// <param name="bytes">Begins with <c>@</c>.</param>
    /// <param name="marker">What was found.</param>
    /// <param name="length">Its length.</param>
    internal static Parsed TryParse(ReadOnlySpan<byte> bytes, out Marker marker, out int length)
    {
        marker = default;
        length = 1;
        if (bytes.Length == 1)
        {
            return Parsed.Cut;
        }
        if (bytes[1] != 'T')
        {
            return Parsed.NoMarker;
        }
        length = 2;
        var sentAt = ReadNumber(bytes, ref length, (byte)':');
        var publisher = ReadNumber(bytes, ref length, (byte)':');
        var number = ReadNumber(bytes, ref length, (byte)'@');
        if (length == int.MaxValue)
        {
            length = 2;
            return bytes.Length < MaxLength ? Parsed.Cut : Parsed.Malformed;
        }
        if (sentAt < 0 || publisher < 0 || number < 0)
        {
            length = 2;
            return Parsed.Malformed;
        }
        marker = new Marker(sentAt, (int)publisher, number);
        return Parsed.Found;
    }

    // Moves past the number and its terminator; int.MaxValue when the bytes end before that.
    private static long ReadNumber(ReadOnlySpan<byte> bytes, ref int at, byte terminator)
    {
        if (at == int.MaxValue)
        {
            return -1;
        }
        var parsed = Utf8Parser.TryParse(bytes[at..], out long value, out var consumed);
        var end = at + (parsed ? consumed : 0);
        if (end >= bytes.Length)
        {
            at = int.MaxValue;
            return -1;
        }
        at = end + 1;
        return parsed && bytes[end] == terminator ? value : -1;
    }
}

internal enum Parsed
{
    Found,
    NoMarker,
    Malformed,
    Cut,
}
