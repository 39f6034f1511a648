using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// The newest entries of a RabbitMQ stream, of all its feeds, within a limit of bytes. A client that comes from another server finds here
/// what it has missed, even of a feed that is not open on this server. Of older parts it is known which feeds have entries in them, within
/// the same limit, so that a client who has missed nothing is told so.
/// </summary>
internal sealed class RecentEntries(long maxBytes)
{
    // Bytes of memory that an entry takes besides its payload, estimated.
    private const int Overhead = 128;

    // At most this part of the limit is for the older parts.
    private const int OlderShare = 4;

    private readonly Dictionary<string, FeedEntries> _feeds = [];
    private readonly LogParts _older = new();
    private Ring<FeedEntries> _order = new(); // whose entry comes next
    private long _bytes;

    /// <summary>All entries above this offset are here.</summary>
    internal long Start { get; private set; }

    /// <summary>How many bytes are left of the limit.</summary>
    internal long FreeBytes => maxBytes - _bytes - _older.Bytes;

    /// <summary>How many entries are here.</summary>
    internal int Count => _order.Count;

    internal void Clear(long start)
    {
        _feeds.Clear();
        _order = new Ring<FeedEntries>();
        _older.Clear();
        (Start, _bytes) = (start, 0);
    }

    internal void Add(string feed, FeedEntry entry)
    {
        var entries = EntriesOf(feed);
        entries.Entries.Add(entry);
        _order.Add(entries);
        _bytes += SizeOf(entry);
        Shrink();
    }

    /// <summary>Takes in the entries before <see cref="Start"/>, if there is room for all of them.</summary>
    /// <returns>False: there is none.</returns>
    internal bool TryAddOlder(long after, List<(string Feed, FeedEntry Entry)> entries)
    {
        var bytes = entries.Sum(older => SizeOf(older.Entry));
        if (bytes > FreeBytes)
        {
            return false;
        }
        for (var index = entries.Count - 1; index >= 0; index--)
        {
            var older = EntriesOf(entries[index].Feed);
            older.Entries.AddFirst(entries[index].Entry);
            _order.AddFirst(older);
        }
        (Start, _bytes) = (after, _bytes + bytes);
        _older.ForgetAbove(after);
        return true;
    }

    /// <summary>Learns which feeds have entries in a part before <see cref="Start"/>.</summary>
    internal void Learn(LogPart part)
    {
        part.Narrow(0, Start);
        _older.Add(part);
        Shrink();
    }

    /// <summary>Forgets the parts at or below an offset, as they were removed.</summary>
    internal void ForgetThrough(long offset) => _older.ForgetThrough(offset);

    /// <summary>The offset of a feed's newest entry, or <see cref="Start"/> if that entry is older.</summary>
    internal long HeadOf(string feed) => _feeds.TryGetValue(feed, out var entries) ? entries.Entries[^1].Offset : Start;

    /// <summary>All entries of a feed that are here, oldest first.</summary>
    internal IEnumerable<FeedEntry> AllOf(string feed)
    {
        var entries = _feeds.GetValueOrDefault(feed)?.Entries;
        for (var index = 0; index < entries?.Count; index++)
        {
            yield return entries[index];
        }
    }

    /// <summary>A feed's entries after an offset, oldest first; null: some of them are not, or may not be, here.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="offset">The offset.</param>
    /// <param name="max">How many at most.</param>
    /// <param name="missing">The first part that has to be read before; there are no entries between it and the offset.</param>
    internal List<FeedEntry>? After(string feed, long offset, int max, out (long After, long Through) missing)
    {
        missing = _older.Find(feed, offset, Start);
        if (missing.After < missing.Through)
        {
            return null;
        }
        var found = new List<FeedEntry>();
        if (_feeds.TryGetValue(feed, out var entries))
        {
            for (var index = entries.FindAfter(offset); index < entries.Entries.Count && found.Count < max; index++)
            {
                found.Add(entries.Entries[index]);
            }
        }
        return found;
    }

    /// <inheritdoc cref="LogParts.FindLast"/>
    internal (long After, long Through) FindLast(string feed, long after, long end) => _older.FindLast(feed, after, end);

    private static long SizeOf(FeedEntry entry) => entry.Payload.Length + Overhead;

    private FeedEntries EntriesOf(string feed)
    {
        if (!_feeds.TryGetValue(feed, out var entries))
        {
            _feeds.Add(feed, entries = new FeedEntries(feed));
        }
        return entries;
    }

    private void Shrink()
    {
        while (FreeBytes < 0 && _order.Count > 1)
        {
            var oldest = _order.RemoveFirst();
            var removed = oldest.Entries.RemoveFirst();
            _bytes -= SizeOf(removed);
            if (oldest.Entries.Count == 0)
            {
                _feeds.Remove(oldest.Feed);
            }
            _older.Append(oldest.Feed, Start, removed.Offset, removed.Payload.Length);
            Start = removed.Offset;
            _older.Shrink(maxBytes / OlderShare);
        }
        _older.Shrink(maxBytes / OlderShare);
    }

    /// <summary>A feed's entries, oldest first.</summary>
    private sealed class FeedEntries(string feed)
    {
        internal string Feed { get; } = feed;

        internal Ring<FeedEntry> Entries { get; } = new();

        internal int FindAfter(long offset)
        {
            var (low, high) = (0, Entries.Count);
            while (low < high)
            {
                var middle = low + ((high - low) / 2);
                if (Entries[middle].Offset <= offset)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }
            return low;
        }
    }
}
