using System.Buffers;
using System.Globalization;

namespace Comet.AspNetCore;

/// <summary>
/// A place in a feed's log: after the message of this id. As text, <c>k3j5h2m1-41</c>, it is the id of that message on the wire.
/// </summary>
/// <param name="Epoch">Which log: 1 to 64 ASCII letters and digits, different whenever the history starts anew.</param>
/// <param name="Offset">Where in it. Offsets rise from message to message, but need not be contiguous.</param>
public readonly record struct FeedPosition(string Epoch, long Offset)
{
    private const int MaxEpochLength = 64;

    private static readonly SearchValues<char> EpochCharacters =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Before everything that is retained, whichever log that is. On the wire: <c>earliest</c>.</summary>
    public static FeedPosition Earliest => default;

    /// <summary>Whether it is before everything that is retained. Its epoch is then null.</summary>
    public bool IsEarliest => Epoch is null;

    /// <summary>The id on the wire.</summary>
    public override string ToString() => IsEarliest ? "earliest" : string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{Offset}");

    /// <summary>Reads an id from the wire.</summary>
    /// <returns>False: the text is no id.</returns>
    public static bool TryParse(string? text, out FeedPosition position)
    {
        position = Earliest;
        if (text == "earliest")
        {
            return true;
        }
        var dash = text?.IndexOf('-', StringComparison.Ordinal) ?? -1;
        if (dash < 0 ||
            !IsEpoch(text.AsSpan(0, dash)) ||
            !long.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
        {
            return false;
        }
        position = new FeedPosition(text![..dash], offset);
        return true;
    }

    internal static bool IsEpoch(ReadOnlySpan<char> text) =>
        text.Length is >= 1 and <= MaxEpochLength && !text.ContainsAnyExcept(EpochCharacters);
}
