using System.Buffers;
using System.Globalization;
using System.Text;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// The position of a stream in all of its feeds, as one string, which native <c>EventSource</c> sends back. Per log one entry,
/// <c>epoch-offset</c>, joined by dots; a feed that is elsewhere in a log which it shares with others of the stream follows its entry as
/// <c>~tag-offset</c>. A feed finds its entry by the epoch of its log, whatever the order and the set of feeds, so a position is never
/// taken for that of another feed. The stream of one feed has that feed's position.
/// </summary>
internal sealed class StreamPosition
{
    /// <summary>Before everything that the feeds retain.</summary>
    internal static readonly StreamPosition Earliest = new([]);

    // A stream of 100 feeds has as many logs and tags at most.
    private const int MaxPieces = 200;
    private const int MaxAsked = 2;

    private readonly List<Entry> _entries;

    private StreamPosition(List<Entry> entries) => _entries = entries;

    private sealed record Entry(FeedPosition Position, List<(string Tag, long Offset)> Elsewhere)
    {
        // Two feeds may have one tag; from the lower of their positions neither misses anything.
        internal FeedPosition Of(FeedName feed)
        {
            if (Elsewhere.Count == 0)
            {
                return Position;
            }
            var tag = EncodedFeedName.TagOf(feed);
            var elsewhere = Elsewhere.Where(other => other.Tag == tag).Min(static other => (long?)other.Offset);
            return Position with { Offset = elsewhere ?? Position.Offset };
        }
    }

    /// <summary>Where a stream is in one of its feeds.</summary>
    /// <param name="Position">The position.</param>
    /// <param name="Tag">The feed's: <see cref="EncodedFeedName.Tag"/>.</param>
    internal readonly record struct Place(FeedPosition Position, string Tag);

    /// <summary>Whether it is a position of one feed, or of a sequence.</summary>
    internal bool IsOfOne => _entries is [] or [{ Elsewhere.Count: 0 }];

    /// <summary>The position of one feed, or of a sequence; null: it is another, or the earliest.</summary>
    internal FeedPosition? Only => _entries is [{ Elsewhere.Count: 0 } only] ? only.Position : null;

    /// <summary>Reads what a client sent back.</summary>
    /// <returns>False: the text is no position.</returns>
    internal static bool TryParse(string text, out StreamPosition position)
    {
        position = Earliest;
        if (text == FeedPosition.Earliest.ToString())
        {
            return true;
        }
        var entries = new List<Entry>();
        var parts = text.Split('.', MaxPieces + 1);
        if (parts.Length + text.Count(static character => character == '~') > MaxPieces)
        {
            return false;
        }
        foreach (var part in parts)
        {
            var pieces = part.Split('~');
            if (!FeedPosition.TryParse(pieces[0], out var log) ||
                log.IsEarliest ||
                entries.Exists(entry => entry.Position.Epoch == log.Epoch))
            {
                return false;
            }
            List<(string, long)> elsewhere = [];
            foreach (var piece in pieces.AsSpan(1))
            {
                // A tag is as long as an epoch may be, and has the same characters.
                if (!FeedPosition.TryParse(piece, out var feed) || feed.IsEarliest)
                {
                    return false;
                }
                elsewhere.Add((feed.Epoch, feed.Offset));
            }
            entries.Add(new Entry(log, elsewhere));
        }
        position = new StreamPosition(entries);
        return true;
    }

    /// <summary>The position in a feed whose log has this epoch; null: there is none.</summary>
    internal FeedPosition? In(FeedName feed, string epoch) =>
        _entries.Count == 0 ? FeedPosition.Earliest : _entries.Find(entry => entry.Position.Epoch == epoch)?.Of(feed);

    /// <summary>
    /// What may be the position in a feed that has none by its epoch: another server may have begun an epoch already that this one does not
    /// know. The log is asked about each, so they are few.
    /// </summary>
    internal IEnumerable<FeedPosition> MaybeIn(FeedName feed) => _entries.Take(MaxAsked).Select(entry => entry.Of(feed));

    /// <summary>The position as text.</summary>
    internal static string Format(List<Place> places)
    {
        var text = new ArrayBufferWriter<byte>();
        Write(text, places, last: null);
        return Encoding.ASCII.GetString(text.WrittenSpan);
    }

    /// <summary>What precedes the offset in the ids of one feed's messages, while the stream stays where it is in the others.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="others">The other feeds; they are sorted.</param>
    /// <param name="feed">The feed; its offset does not matter.</param>
    internal static void WritePrefix(IBufferWriter<byte> output, List<Place> others, Place feed) => Write(output, others, feed);

    /// <summary>Per log, the position that a stream has in all feeds that share it: what heartbeats tell.</summary>
    internal static string FormatLeast(List<Place> places) =>
        string.Join('.', places.GroupBy(static place => place.Position.Epoch, static place => place.Position.Offset)
            .Select(static log => new FeedPosition(log.Key, log.Min())));

    private static void Write(IBufferWriter<byte> output, List<Place> places, Place? last)
    {
        places.Sort(static (left, right) =>
            string.CompareOrdinal(left.Position.Epoch, right.Position.Epoch) is not 0 and var order
                ? order
                : left.Position.Offset.CompareTo(right.Position.Offset));
        // A tag that two have stands for neither of them alone, so then each says where it is.
        var isEachTagged =
            places.DistinctBy(static place => place.Tag).Count() < places.Count || places.Exists(place => place.Tag == last?.Tag);
        var isFirst = true;
        var own = -1; // where the log begins that the last one shares
        for (var i = 0; i < places.Count;)
        {
            var end = EndOfLog(places, i);
            if (places[i].Position.Epoch == last?.Position.Epoch)
            {
                own = i;
            }
            else
            {
                WriteLog(output, places, i, end, isEachTagged, ref isFirst);
            }
            i = end;
        }
        if (own >= 0)
        {
            WriteLog(output, places, own, EndOfLog(places, own), isEachTagged, ref isFirst);
            WriteText(output, $"~{last!.Value.Tag}-");
        }
        else if (last is { } alone)
        {
            WriteText(output, $"{(isFirst ? "" : ".")}{alone.Position.Epoch}-");
        }
    }

    private static int EndOfLog(List<Place> places, int start)
    {
        var end = start + 1;
        while (end < places.Count && places[end].Position.Epoch == places[start].Position.Epoch)
        {
            end++;
        }
        return end;
    }

    // The entry of the log is where most of its feeds are.
    private static void WriteLog(IBufferWriter<byte> output, List<Place> places, int start, int end, bool isEachTagged, ref bool isFirst)
    {
        var (most, at) = (0, start);
        for (var i = start; i < end;)
        {
            var next = i;
            while (next < end && places[next].Position.Offset == places[i].Position.Offset)
            {
                next++;
            }
            if (next - i > most)
            {
                (most, at) = (next - i, i);
            }
            i = next;
        }
        var log = places[at].Position;
        WriteText(output, string.Create(CultureInfo.InvariantCulture, $"{(isFirst ? "" : ".")}{log}"));
        isFirst = false;
        for (var i = start; i < end; i++)
        {
            if (places[i].Position.Offset != log.Offset || isEachTagged)
            {
                WriteText(output, string.Create(CultureInfo.InvariantCulture, $"~{places[i].Tag}-{places[i].Position.Offset}"));
            }
        }
    }

    private static void WriteText(IBufferWriter<byte> output, string text)
    {
        var span = output.GetSpan(text.Length);
        output.Advance(Encoding.ASCII.GetBytes(text, span));
    }
}
