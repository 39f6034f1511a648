using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Following;

/// <summary>
/// The newest entries of a RabbitMQ stream, of all its feeds, within a limit of bytes. A client that comes from another server finds here
/// what it has missed, even of a feed that is not open on this server. Of older entries the offsets are known for a while, so that a client
/// who has missed nothing is told so.
/// </summary>
internal sealed class RecentEntries(long maxBytes)
{
    // Bytes of memory that an entry takes besides its payload, estimated.
    private const int Overhead = 128;

    // Of some 200 bytes each. The feeds whose newest entries are oldest leave first.
    private const int MaxOlderFeeds = 65_536;

    private readonly Dictionary<string, Ring> _feeds = [];
    private readonly Queue<Ring> _order = new();
    private readonly NewestOffsets _older = new(MaxOlderFeeds);
    private long _bytes;

    /// <summary>All entries above this offset are here.</summary>
    internal long Start { get; private set; }

    /// <summary>Above this offset it is known which feeds have entries.</summary>
    internal long KnownFrom => _older.From;

    internal long FreeBytes => maxBytes - _bytes;

    internal void Clear(long start)
    {
        _feeds.Clear();
        _order.Clear();
        _older.Clear(start);
        (Start, _bytes) = (start, 0);
    }

    internal void Add(string feed, FeedEntry entry)
    {
        if (!_feeds.TryGetValue(feed, out var ring))
        {
            _feeds.Add(feed, ring = new Ring(feed));
        }
        ring.Add(entry);
        _order.Enqueue(ring);
        _bytes += entry.Payload.Length + Overhead;
        while (_bytes > maxBytes && _order.Count > 1)
        {
            var (oldest, removed) = RemoveFirst();
            Start = removed.Offset;
            _older.Add(oldest, removed.Offset);
        }
    }

    /// <summary>Takes over the entries that follow these.</summary>
    internal void TakeOver(RecentEntries newer)
    {
        while (newer._order.Count > 0)
        {
            var (feed, entry) = newer.RemoveFirst();
            Add(feed, entry);
        }
    }

    /// <summary>Learns which feeds have entries before these.</summary>
    /// <param name="older">Entries up to <see cref="KnownFrom"/> at least; only their offsets are kept.</param>
    internal void AddOlder(RecentEntries older)
    {
        while (older._order.Count > 0)
        {
            var (feed, entry) = older.RemoveFirst();
            older._older.Add(feed, entry.Offset);
        }
        _older.AddOlder(older._older);
    }

    /// <summary>The offset of a feed's newest entry, or <see cref="Start"/> if that entry is older.</summary>
    internal long HeadOf(string feed) => NewestOf(feed)?.Offset ?? Start;

    /// <summary>A feed's newest entry; null: it has none here.</summary>
    internal FeedEntry? NewestOf(string feed) => _feeds.TryGetValue(feed, out var ring) ? ring[ring.Count - 1] : null;

    /// <summary>A feed's entries after an offset, oldest first; null: some of them are not, or may not be, here.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="offset">The offset.</param>
    /// <param name="max">How many at most.</param>
    /// <param name="through">Those that are not here lie at or below this offset.</param>
    internal List<FeedEntry>? After(string feed, long offset, int max, out long through)
    {
        through = offset < KnownFrom ? KnownFrom : _older.Of(feed);
        if (offset < through)
        {
            return null;
        }
        var entries = new List<FeedEntry>();
        if (_feeds.TryGetValue(feed, out var ring))
        {
            for (var index = ring.FindAfter(offset); index < ring.Count && entries.Count < max; index++)
            {
                entries.Add(ring[index]);
            }
        }
        return entries;
    }

    private (string Feed, FeedEntry Entry) RemoveFirst()
    {
        var ring = _order.Dequeue();
        var removed = ring.RemoveFirst();
        _bytes -= removed.Payload.Length + Overhead;
        if (ring.Count == 0)
        {
            _feeds.Remove(ring.Feed);
        }
        return (ring.Feed, removed);
    }

    private sealed class Ring(string feed)
    {
        private FeedEntry[] _entries = new FeedEntry[4];
        private int _first;

        internal string Feed { get; } = feed;

        internal int Count { get; private set; }

        internal FeedEntry this[int index] => _entries[(_first + index) & (_entries.Length - 1)];

        internal void Add(FeedEntry entry)
        {
            if (Count == _entries.Length)
            {
                var larger = new FeedEntry[Count * 2];
                for (var index = 0; index < Count; index++)
                {
                    larger[index] = this[index];
                }
                (_entries, _first) = (larger, 0);
            }
            _entries[(_first + Count++) & (_entries.Length - 1)] = entry;
        }

        internal FeedEntry RemoveFirst()
        {
            var first = _entries[_first];
            _entries[_first] = default;
            _first = (_first + 1) & (_entries.Length - 1);
            Count--;
            return first;
        }

        internal int FindAfter(long offset)
        {
            var (low, high) = (0, Count);
            while (low < high)
            {
                var middle = low + ((high - low) / 2);
                if (this[middle].Offset <= offset)
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
