using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// Which entries single feeds have in parts of the log that are no longer in memory, as searches for their newest messages have found: the
/// next search, and the reading of what was found, need no other part, though what was read is forgotten otherwise.
/// </summary>
internal sealed class FoundEntries
{
    // Of 40 bytes each, of all feeds together; the feeds that were searched first leave.
    private const int Max = 65_536;

    // What a part without entries takes, counted in entries.
    private const int Overhead = 8;

    // Stands for the payload of a message, which is not kept.
    private static readonly byte[] Something = [0];

    private readonly Dictionary<string, List<Part>> _feeds = [];
    private readonly Queue<string> _order = new();
    private int _size;

    internal void Clear()
    {
        _feeds.Clear();
        _order.Clear();
        _size = 0;
    }

    /// <summary>Records which entries a feed has above one offset up to another, as far as that was not known.</summary>
    internal void Add(string feed, long after, long through, IEnumerable<FeedEntry> entries)
    {
        if (!_feeds.TryGetValue(feed, out var parts))
        {
            _feeds.Add(feed, parts = []);
            _order.Enqueue(feed);
        }
        var index = parts.FindLastIndex(part => part.After <= after) + 1;
        after = index > 0 ? Math.Max(after, parts[index - 1].Through) : after;
        through = index < parts.Count ? Math.Min(through, parts[index].After) : through;
        if (after >= through)
        {
            return;
        }
        var added = new Part(after, through, [.. entries.Where(entry => entry.Offset > after && entry.Offset <= through).Select(Strip)]);
        _size += added.Size;
        parts.Insert(index, added);
        Join(parts, index);
        Join(parts, index - 1);
        while (_size > Max && _order.Count > 1)
        {
            _feeds.Remove(_order.Dequeue(), out var forgotten);
            _size -= forgotten!.Sum(static part => part.Size);
        }
    }

    /// <summary>What is known of a feed below an offset.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="end">The offset.</param>
    /// <param name="next">Up to where more is known, below what is not.</param>
    /// <returns>The entries above an offset up to <paramref name="end"/>, oldest first, and the former offset.</returns>
    internal (long After, IEnumerable<FeedEntry> Entries) Before(string feed, long end, out long next)
    {
        next = 0;
        if (!_feeds.TryGetValue(feed, out var parts))
        {
            return (end, []);
        }
        var index = parts.FindLastIndex(part => part.After < end);
        if (index < 0 || parts[index].Through < end)
        {
            next = index < 0 ? 0 : parts[index].Through;
            return (end, []);
        }
        next = index == 0 ? 0 : parts[index - 1].Through;
        return (parts[index].After, parts[index].Entries.TakeWhile(entry => entry.Offset <= end));
    }

    /// <summary>The offset up to which a feed is known to have no entries from another one on; that one: it is not known.</summary>
    internal long NoneThrough(string feed, long after)
    {
        var part = _feeds.GetValueOrDefault(feed)?.Find(part => part.After <= after && part.Through > after);
        if (part is null)
        {
            return after;
        }
        var index = part.Entries.FindIndex(entry => entry.Offset > after);
        return index < 0 ? part.Through : part.Entries[index].Offset - 1;
    }

    private static FeedEntry Strip(FeedEntry entry) => entry with { Payload = entry.IsCompletion ? default : Something };

    // With the next, if that follows.
    private void Join(List<Part> parts, int index)
    {
        if (index < 0 || index + 1 >= parts.Count || parts[index].Through != parts[index + 1].After)
        {
            return;
        }
        var (first, second) = (parts[index], parts[index + 1]);
        parts[index] = new Part(first.After, second.Through, [.. first.Entries, .. second.Entries]);
        parts.RemoveAt(index + 1);
        _size -= Overhead;
    }

    /// <summary>What is known of a feed above one offset up to another.</summary>
    private sealed record Part(long After, long Through, List<FeedEntry> Entries)
    {
        internal int Size => Overhead + Entries.Count;
    }
}
